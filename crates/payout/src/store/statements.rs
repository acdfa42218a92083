//! What statements are drawn from, and what closing a period writes.

use chrono::NaiveDate;
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Date, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::TenantId;
use postgres_kit::{kept, text::without_nul};
use uuid::Uuid;

use super::{
    column::{column, currency_from_sql, sum_to_sql},
    words,
};
use crate::domain::{
    ledger::{Account, AccountId},
    statements::{Before, Month, Movements, Statement, StatementId},
};

/// A party's account, as the last closed period left it.
#[derive(Debug, Clone)]
pub struct PartyAccount {
    /// The account.
    pub account: Account,
    /// The publisher's or advertiser's name; empty when payout does not know one.
    pub party_name: String,
    /// Balance and what is carried.
    pub before: Before,
}

/// The accounts of a tenant's publishers and advertisers; of one party, when it is named.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn party_accounts(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    party: Option<Uuid>,
) -> QueryResult<Vec<PartyAccount>> {
    let select = sql_query(
        "SELECT accounts.kind, accounts.party_id, accounts.currency,
            coalesce(publishers.name, advertisers.name, '') AS party_name,
            coalesce(CASE accounts.kind
                WHEN 'advertiser_receivable' THEN checkpoints.debits_posted - checkpoints.credits_posted
                ELSE checkpoints.credits_posted - checkpoints.debits_posted END, 0) AS balance,
            coalesce(latest.carried_out_micros, 0) AS carried
        FROM ledger_accounts AS accounts
        LEFT JOIN publishers ON publishers.tenant_id = accounts.tenant_id AND publishers.publisher_id = accounts.party_id
            AND accounts.kind = 'publisher_payable'
        LEFT JOIN advertisers ON advertisers.tenant_id = accounts.tenant_id
            AND advertisers.advertiser_id = accounts.party_id AND accounts.kind = 'advertiser_receivable'
        LEFT JOIN ledger_checkpoints AS checkpoints ON checkpoints.tenant_id = accounts.tenant_id
            AND checkpoints.account_id = accounts.account_id
            AND checkpoints.period = (SELECT max(period) FROM ledger_checkpoints WHERE tenant_id = $1)
        LEFT JOIN LATERAL (
            SELECT carried_out_micros FROM statements
            WHERE statements.tenant_id = accounts.tenant_id AND statements.account_id = accounts.account_id
            ORDER BY period DESC LIMIT 1
        ) AS latest ON true
        WHERE accounts.tenant_id = $1 AND accounts.kind IN ('advertiser_receivable', 'publisher_payable')
            AND ($2 IS NULL OR accounts.party_id = $2)
        ORDER BY accounts.kind DESC, party_name, accounts.party_id, accounts.currency",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(party);
    let rows: Vec<PartyRow> = kept(select).load(connection).await?;
    let accounts = rows.into_iter().map(|row| {
        let account = Account {
            tenant,
            kind: words::read_account_kind(&row.kind)?,
            party: row.party_id,
            currency: currency_from_sql(&row.currency)?,
        };
        let before = Before { balance: i128::from(row.balance), carried: i128::from(row.carried) };
        Ok(PartyAccount { account, party_name: row.party_name, before })
    });
    accounts.collect()
}

/// What moved parties' accounts in the open periods up to `through`.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn movements(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    party: Option<Uuid>,
    through: Month,
) -> QueryResult<Vec<(AccountId, Month, Movements)>> {
    let select = sql_query(
        "SELECT account_id, period,
            coalesce(sum(amount) FILTER (WHERE flow NOT IN ('adjustment', 'settlement') AND kind <> 'reversal'),
                0)::bigint AS earned,
            coalesce(-sum(amount) FILTER (WHERE flow NOT IN ('adjustment', 'settlement') AND kind = 'reversal'),
                0)::bigint AS reversed,
            coalesce(sum(amount) FILTER (WHERE flow = 'adjustment'), 0)::bigint AS adjusted,
            coalesce(-sum(amount) FILTER (WHERE flow = 'settlement'), 0)::bigint AS paid
        FROM (
            SELECT side.account_id, transfers.period, transfers.flow, transfers.kind, transfers.amount_micros
                * side.sign * CASE accounts.kind WHEN 'advertiser_receivable' THEN 1 ELSE -1 END AS amount
            FROM ledger_transfers AS transfers
            CROSS JOIN LATERAL (VALUES (debit_account_id, 1), (credit_account_id, -1)) AS side (account_id, sign)
            JOIN ledger_accounts AS accounts
                ON accounts.tenant_id = transfers.tenant_id AND accounts.account_id = side.account_id
            WHERE transfers.tenant_id = $1 AND transfers.period <= $2 AND transfers.kind IN ('post', 'posted', 'reversal')
                AND transfers.period > (SELECT coalesce(max(period), '-infinity'::date) FROM ledger_checkpoints
                    WHERE tenant_id = $1)
                AND accounts.kind IN ('advertiser_receivable', 'publisher_payable')
                AND ($3 IS NULL OR accounts.party_id = $3)
        ) AS entries
        GROUP BY account_id, period",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Date, _>(through.first_day())
    .bind::<Nullable<SqlUuid>, _>(party);
    let rows: Vec<MovementRow> = kept(select).load(connection).await?;
    let read = rows.into_iter().map(|row| {
        let movements = Movements {
            earned: i128::from(row.earned),
            reversed: i128::from(row.reversed),
            adjusted: i128::from(row.adjusted),
            paid: i128::from(row.paid),
        };
        (AccountId(row.account_id), Month::of_day(row.period), movements)
    });
    Ok(read.collect())
}

/// What one event of an offer moved on one account.
#[derive(Debug, Clone, QueryableByName)]
pub struct DrawnLine {
    #[diesel(sql_type = SqlUuid)]
    pub account_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub offer_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub offer_event_id: Uuid,
    #[diesel(sql_type = Text)]
    pub event_id: String,
    /// How often something was posted for it.
    #[diesel(sql_type = BigInt)]
    pub conversions: i64,
    #[diesel(sql_type = BigInt)]
    pub earned_micros: i64,
    /// How often that was taken back.
    #[diesel(sql_type = BigInt)]
    pub reversals: i64,
    #[diesel(sql_type = BigInt)]
    pub reversed_micros: i64,
    /// The verdict on one of its conversions, for the names of offer and event.
    #[diesel(sql_type = Binary)]
    pub verdict: Vec<u8>,
}

/// The lines of a period by account; of one account, when it is named.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn draw_lines(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    month: Month,
    account: Option<AccountId>,
) -> QueryResult<Vec<DrawnLine>> {
    let select = sql_query(
        "WITH entries AS (
            SELECT side.account_id, transfers.conversion_id, transfers.status_revision,
                transfers.kind = 'reversal' AS is_reversal, sum(transfers.amount_micros
                    * side.sign * CASE accounts.kind WHEN 'advertiser_receivable' THEN 1 ELSE -1 END) AS amount
            FROM ledger_transfers AS transfers
            CROSS JOIN LATERAL (VALUES (debit_account_id, 1), (credit_account_id, -1)) AS side (account_id, sign)
            JOIN ledger_accounts AS accounts
                ON accounts.tenant_id = transfers.tenant_id AND accounts.account_id = side.account_id
            WHERE transfers.tenant_id = $1 AND transfers.period = $2 AND transfers.conversion_id IS NOT NULL
                AND transfers.kind IN ('post', 'posted', 'reversal')
                AND accounts.kind IN ('advertiser_receivable', 'publisher_payable')
                AND ($3 IS NULL OR accounts.account_id = $3)
            GROUP BY 1, 2, 3, 4
        ), lines AS (
            SELECT account_id, offer_id, offer_event_id,
                count(*) FILTER (WHERE NOT is_reversal) AS conversions,
                coalesce(sum(amount) FILTER (WHERE NOT is_reversal), 0)::bigint AS earned_micros,
                count(*) FILTER (WHERE is_reversal) AS reversals,
                coalesce(-sum(amount) FILTER (WHERE is_reversal), 0)::bigint AS reversed_micros,
                min(entries.conversion_id::text)::uuid AS conversion_id
            FROM entries JOIN conversions ON tenant_id = $1 AND conversions.conversion_id = entries.conversion_id
            GROUP BY 1, 2, 3
        )
        SELECT lines.*, conversions.event_id, conversions.verdict
        FROM lines JOIN conversions ON tenant_id = $1 AND conversions.conversion_id = lines.conversion_id
        ORDER BY lines.account_id, lines.offer_id, lines.offer_event_id",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Date, _>(month.first_day())
    .bind::<Nullable<SqlUuid>, _>(account.map(|account| account.0));
    kept(select).load(connection).await
}

/// A statement to write.
#[derive(Debug, Clone)]
pub struct NewStatement {
    /// Its id.
    pub id: StatementId,
    /// Of which account.
    pub account: AccountId,
    /// As it is printed.
    pub party_name: String,
    /// Its figures.
    pub figures: Statement,
}

/// A line to write.
#[derive(Debug, Clone)]
pub struct NewLine {
    /// Of which statement.
    pub statement: StatementId,
    /// The offer's name.
    pub offer_name: String,
    /// The event's user-facing name.
    pub event_name: String,
    /// The figures.
    pub line: DrawnLine,
}

/// Writes the statements of a closed period.
///
/// # Errors
/// diesel's, when a statement fails, or a sum is beyond its column.
pub async fn add(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    month: Month,
    rows: &[NewStatement],
) -> QueryResult<()> {
    let sums = |pick: fn(&Statement) -> i128| -> QueryResult<Vec<i64>> {
        rows.iter().map(|row| sum_to_sql(pick(&row.figures))).collect()
    };
    let insert = sql_query(
        "INSERT INTO statements (
            tenant_id, period, statement_id, account_id, party_name, opening_micros, earned_micros, reversed_micros,
            adjusted_micros, paid_micros, closing_micros, carried_in_micros, due_micros, carried_out_micros)
        SELECT $1, $2, * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Date, _>(month.first_day())
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.id.0))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.account.0))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.party_name)))
    .bind::<Array<BigInt>, _>(sums(|figures| figures.opening)?)
    .bind::<Array<BigInt>, _>(sums(|figures| figures.movements.earned)?)
    .bind::<Array<BigInt>, _>(sums(|figures| figures.movements.reversed)?)
    .bind::<Array<BigInt>, _>(sums(|figures| figures.movements.adjusted)?)
    .bind::<Array<BigInt>, _>(sums(|figures| figures.movements.paid)?)
    .bind::<Array<BigInt>, _>(sums(|figures| figures.closing)?)
    .bind::<Array<BigInt>, _>(sums(|figures| figures.carried_in)?)
    .bind::<Array<BigInt>, _>(sums(|figures| figures.due)?)
    .bind::<Array<BigInt>, _>(sums(|figures| figures.carried_out)?);
    kept(insert).execute(connection).await.map(drop)
}

/// Writes their lines.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add_lines(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    rows: &[NewLine],
) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO statement_lines (
            tenant_id, statement_id, offer_id, offer_event_id, offer_name, event_id, event_name, conversions,
            earned_micros, reversals, reversed_micros)
        SELECT $1, * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.statement.0))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.line.offer_id))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.line.offer_event_id))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.offer_name)))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.line.event_id)))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.event_name)))
    .bind::<Array<BigInt>, _>(column(rows, |row| row.line.conversions))
    .bind::<Array<BigInt>, _>(column(rows, |row| row.line.earned_micros))
    .bind::<Array<BigInt>, _>(column(rows, |row| row.line.reversals))
    .bind::<Array<BigInt>, _>(column(rows, |row| row.line.reversed_micros));
    kept(insert).execute(connection).await.map(drop)
}

/// Writes the balances at the end of a period that is being closed: those of the checkpoint before it, and its own transfers.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add_checkpoint(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    month: Month,
) -> QueryResult<()> {
    let insert = sql_query(
        "WITH latest AS (
            SELECT coalesce(max(period), '-infinity'::date) AS period FROM ledger_checkpoints WHERE tenant_id = $1
        ), parts AS (
            SELECT account_id, debits_pending, debits_posted, credits_pending, credits_posted
            FROM ledger_checkpoints WHERE tenant_id = $1 AND period = (SELECT period FROM latest)
            UNION ALL
            SELECT side.account_id, side.debit * pending, side.debit * posted, side.credit * pending, side.credit * posted
            FROM (
                SELECT debit_account_id, credit_account_id, amount_micros,
                    CASE kind WHEN 'pending' THEN 1 WHEN 'post' THEN -1 WHEN 'void' THEN -1 ELSE 0 END AS pending,
                    CASE WHEN kind IN ('post', 'posted', 'reversal') THEN 1 ELSE 0 END AS posted
                FROM ledger_transfers WHERE tenant_id = $1 AND period > (SELECT period FROM latest) AND period <= $2
            ) AS transfers
            CROSS JOIN LATERAL (VALUES
                (debit_account_id, amount_micros, 0::bigint), (credit_account_id, 0::bigint, amount_micros)
            ) AS side (account_id, debit, credit)
        )
        INSERT INTO ledger_checkpoints (
            tenant_id, period, account_id, debits_pending, debits_posted, credits_pending, credits_posted)
        SELECT $1, $2, account_id, sum(debits_pending), sum(debits_posted), sum(credits_pending), sum(credits_posted)
        FROM parts GROUP BY account_id",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Date, _>(month.first_day());
    kept(insert).execute(connection).await.map(drop)
}

#[derive(QueryableByName)]
struct PartyRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SqlUuid)]
    party_id: Uuid,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = Text)]
    party_name: String,
    #[diesel(sql_type = BigInt)]
    balance: i64,
    #[diesel(sql_type = BigInt)]
    carried: i64,
}

#[derive(QueryableByName)]
struct MovementRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Date)]
    period: NaiveDate,
    #[diesel(sql_type = BigInt)]
    earned: i64,
    #[diesel(sql_type = BigInt)]
    reversed: i64,
    #[diesel(sql_type = BigInt)]
    adjusted: i64,
    #[diesel(sql_type = BigInt)]
    paid: i64,
}
