//! Statements of closed periods as people see them, and what people did to them.

use chrono::NaiveDate;
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{TenantId, TokenId, TransferId};
use postgres_kit::{kept, text::without_nul};
use uuid::Uuid;

use super::{
    column::{Moment, currency_from_sql},
    words,
};
use crate::domain::{
    ledger::{Account, AccountId, AccountKind},
    statements::{Month, StatementId},
};

/// Which statements.
#[derive(Debug, Clone, Copy, Default)]
pub struct Which {
    /// Of one.
    pub id: Option<StatementId>,
    /// Of one period.
    pub month: Option<Month>,
    /// Of publishers only, or of advertisers only.
    pub kind: Option<AccountKind>,
    /// Of one party.
    pub party: Option<Uuid>,
}

/// A statement of a closed period.
#[derive(Debug, Clone, QueryableByName)]
pub struct StatementRow {
    #[diesel(sql_type = SqlUuid)]
    pub statement_id: Uuid,
    #[diesel(sql_type = Date)]
    pub period: NaiveDate,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = SqlUuid)]
    pub party_id: Uuid,
    #[diesel(sql_type = Text)]
    pub currency: String,
    #[diesel(sql_type = Text)]
    pub party_name: String,
    #[diesel(sql_type = BigInt)]
    pub opening_micros: i64,
    #[diesel(sql_type = BigInt)]
    pub earned_micros: i64,
    #[diesel(sql_type = BigInt)]
    pub reversed_micros: i64,
    #[diesel(sql_type = BigInt)]
    pub adjusted_micros: i64,
    #[diesel(sql_type = BigInt)]
    pub paid_micros: i64,
    #[diesel(sql_type = BigInt)]
    pub closing_micros: i64,
    #[diesel(sql_type = BigInt)]
    pub carried_in_micros: i64,
    #[diesel(sql_type = BigInt)]
    pub due_micros: i64,
    #[diesel(sql_type = BigInt)]
    pub carried_out_micros: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub settled_at: Option<Moment>,
    #[diesel(sql_type = Nullable<Text>)]
    pub settled_reference: Option<String>,
}

impl StatementRow {
    /// The account it is of.
    ///
    /// # Errors
    /// When a column holds what this release does not know.
    pub fn account(&self, tenant: TenantId) -> QueryResult<Account> {
        Ok(Account {
            tenant,
            kind: words::read_account_kind(&self.kind)?,
            party: self.party_id,
            currency: currency_from_sql(&self.currency)?,
        })
    }
}

macro_rules! listed {
    () => {
        "FROM statements
        JOIN ledger_accounts AS accounts USING (tenant_id, account_id)
        LEFT JOIN statement_payments AS payments USING (tenant_id, statement_id)
        WHERE tenant_id = $1 AND ($2 IS NULL OR statement_id = $2) AND ($3 IS NULL OR statements.period = $3)
            AND ($4 IS NULL OR accounts.kind = $4) AND ($5 IS NULL OR accounts.party_id = $5)"
    };
}

/// A page of statements of closed periods, newest first, and how many there are in all.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn closed(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    which: Which,
    (offset, limit): (i64, i64),
) -> QueryResult<(Vec<StatementRow>, i64)> {
    let page = sql_query(concat!(
        "SELECT statements.*, accounts.kind, accounts.party_id, accounts.currency, payments.paid_at AS settled_at,
            payments.reference AS settled_reference ",
        listed!(),
        " ORDER BY statements.period DESC, accounts.kind DESC, statements.party_name, accounts.party_id,
            accounts.currency OFFSET $6 LIMIT $7"
    ))
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(which.id.map(|id| id.0))
    .bind::<Nullable<Date>, _>(which.month.map(Month::first_day))
    .bind::<Nullable<Text>, _>(which.kind.map(AccountKind::word))
    .bind::<Nullable<SqlUuid>, _>(which.party)
    .bind::<BigInt, _>(offset)
    .bind::<BigInt, _>(limit);
    let rows = kept(page).load(connection).await?;
    let count = sql_query(concat!("SELECT count(*) AS rows ", listed!()))
        .bind::<SqlUuid, _>(tenant.as_uuid())
        .bind::<Nullable<SqlUuid>, _>(which.id.map(|id| id.0))
        .bind::<Nullable<Date>, _>(which.month.map(Month::first_day))
        .bind::<Nullable<Text>, _>(which.kind.map(AccountKind::word))
        .bind::<Nullable<SqlUuid>, _>(which.party);
    let total: Count = kept(count).get_result(connection).await?;
    Ok((rows, total.rows))
}

/// A line of a statement.
#[derive(Debug, Clone, QueryableByName)]
pub struct LineRow {
    #[diesel(sql_type = SqlUuid)]
    pub offer_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub offer_event_id: Uuid,
    #[diesel(sql_type = Text)]
    pub offer_name: String,
    #[diesel(sql_type = Text)]
    pub event_id: String,
    #[diesel(sql_type = Text)]
    pub event_name: String,
    #[diesel(sql_type = BigInt)]
    pub conversions: i64,
    #[diesel(sql_type = BigInt)]
    pub earned_micros: i64,
    #[diesel(sql_type = BigInt)]
    pub reversals: i64,
    #[diesel(sql_type = BigInt)]
    pub reversed_micros: i64,
}

/// The lines of a statement of a closed period.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lines(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    statement: StatementId,
) -> QueryResult<Vec<LineRow>> {
    let select = sql_query(
        "SELECT * FROM statement_lines WHERE tenant_id = $1 AND statement_id = $2
        ORDER BY offer_name, offer_id, event_name, offer_event_id",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(statement.0);
    kept(select).load(connection).await
}

/// What somebody added to an account.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct AdjustmentRow {
    #[diesel(sql_type = SqlUuid)]
    pub statement_id: Uuid,
    #[diesel(sql_type = Text)]
    pub reference: String,
    #[diesel(sql_type = SqlUuid)]
    pub transfer_id: Uuid,
    #[diesel(sql_type = Date)]
    pub period: NaiveDate,
    #[diesel(sql_type = BigInt)]
    pub amount_micros: i64,
    #[diesel(sql_type = Text)]
    pub reason: String,
    #[diesel(sql_type = SqlUuid)]
    pub token_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    pub adjusted_at: Moment,
}

/// What was added to an account within a period.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn adjustments(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    account: AccountId,
    month: Month,
) -> QueryResult<Vec<AdjustmentRow>> {
    let select = sql_query(
        "SELECT * FROM statement_adjustments WHERE tenant_id = $1 AND account_id = $2 AND period = $3
        ORDER BY adjusted_at, statement_id, reference",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(account.0)
    .bind::<Date, _>(month.first_day());
    kept(select).load(connection).await
}

/// One adjustment, by its reference.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn adjustment(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    statement: StatementId,
    reference: &str,
) -> QueryResult<Option<AdjustmentRow>> {
    let select = sql_query(
        "SELECT * FROM statement_adjustments WHERE tenant_id = $1 AND statement_id = $2 AND reference = $3",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(statement.0)
    .bind::<Text, _>(without_nul(reference));
    kept(select).get_result(connection).await.optional()
}

/// What somebody asked for, and where it lands.
#[derive(Debug, Clone)]
pub struct Deed<'a> {
    /// The statement it is about.
    pub statement: StatementId,
    /// By which the same one is known again.
    pub reference: &'a str,
    /// What it posts.
    pub transfer: TransferId,
    /// The party's account.
    pub account: AccountId,
    /// The period that was taken.
    pub month: Month,
    /// In micros, on the side on which the account grows.
    pub amount: i64,
    /// Why; empty for a payment.
    pub reason: &'a str,
    /// Whose token.
    pub token: TokenId,
}

/// Adds an adjustment; `false` when its reference was there already.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add_adjustment(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    deed: &Deed<'_>,
) -> QueryResult<bool> {
    let insert = sql_query(
        "INSERT INTO statement_adjustments (
            tenant_id, statement_id, reference, transfer_id, account_id, period, amount_micros, reason, token_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(deed.statement.0)
    .bind::<Text, _>(without_nul(deed.reference))
    .bind::<SqlUuid, _>(deed.transfer.as_uuid())
    .bind::<SqlUuid, _>(deed.account.0)
    .bind::<Date, _>(deed.month.first_day())
    .bind::<BigInt, _>(deed.amount)
    .bind::<Text, _>(without_nul(deed.reason))
    .bind::<SqlUuid, _>(deed.token.as_uuid());
    Ok(kept(insert).execute(connection).await? > 0)
}

/// Adds a payment; `false` when the statement was paid already.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add_payment(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    deed: &Deed<'_>,
) -> QueryResult<bool> {
    let insert = sql_query(
        "INSERT INTO statement_payments (
            tenant_id, statement_id, transfer_id, period, amount_micros, reference, token_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(deed.statement.0)
    .bind::<SqlUuid, _>(deed.transfer.as_uuid())
    .bind::<Date, _>(deed.month.first_day())
    .bind::<BigInt, _>(deed.amount)
    .bind::<Text, _>(without_nul(deed.reference))
    .bind::<SqlUuid, _>(deed.token.as_uuid());
    Ok(kept(insert).execute(connection).await? > 0)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}
