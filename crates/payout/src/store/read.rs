//! What people look at: conversions with everything that follows from them.

use chrono::NaiveDate;
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Binary, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, ConversionId, PublisherId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::{column::Moment, waits_for::waits_for, words};
use crate::domain::standing::Told;

/// Beyond this a total is "at least": counting on would slow down who only wants the first page.
const COUNTED_MAX: i64 = 100_000;

/// Whose rows a reader may see.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// The tenant.
    pub tenant: TenantId,
    /// One publisher only.
    pub publisher: Option<PublisherId>,
}

/// Which conversions.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// Of one click.
    pub click: Option<ClickId>,
    /// In one told status.
    pub told: Option<Told>,
    /// Those that are on review, or those that are not.
    pub on_review: Option<bool>,
    /// With a reason of this code.
    pub reason_code: Option<&'static str>,
    /// Skipped.
    pub offset: i64,
    /// Taken.
    pub limit: i64,
}

/// A conversion as people see it.
#[derive(Debug, Clone, QueryableByName)]
pub struct ConversionRow {
    #[diesel(sql_type = SqlUuid)]
    pub conversion_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub gk_click_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub advertiser_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub publisher_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub offer_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub offer_event_id: Uuid,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = BigInt)]
    pub status_revision: i64,
    #[diesel(sql_type = BigInt)]
    pub verdict_revision: i64,
    #[diesel(sql_type = Text)]
    pub reason_code: String,
    #[diesel(sql_type = Text)]
    pub reason: String,
    #[diesel(sql_type = Timestamptz)]
    pub received_at: Moment,
    #[diesel(sql_type = Timestamptz)]
    pub hold_ends_at: Moment,
    #[diesel(sql_type = Timestamptz)]
    pub changed_at: Moment,
    #[diesel(sql_type = Nullable<Text>)]
    pub currency: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub revenue_micros: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub payout_micros: Option<i64>,
    #[diesel(sql_type = BigInt)]
    pub reward_points: i64,
    #[diesel(sql_type = Text)]
    pub counted: String,
    #[diesel(sql_type = Binary)]
    pub verdict: Vec<u8>,
}

/// One change of a conversion.
#[derive(Debug, Clone, QueryableByName)]
pub struct HistoryRow {
    #[diesel(sql_type = BigInt)]
    pub status_revision: i64,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Text)]
    pub status_by: String,
    #[diesel(sql_type = Text)]
    pub reason_code: String,
    #[diesel(sql_type = Text)]
    pub reason: String,
    #[diesel(sql_type = BigInt)]
    pub verdict_revision: i64,
    #[diesel(sql_type = Nullable<Text>)]
    pub currency: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub revenue_micros: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub payout_micros: Option<i64>,
    #[diesel(sql_type = Timestamptz)]
    pub changed_at: Moment,
}

/// One row of the ledger.
#[derive(Debug, Clone, QueryableByName)]
pub struct TransferRow {
    #[diesel(sql_type = SqlUuid)]
    pub transfer_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub conversion_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub statement_id: Option<Uuid>,
    #[diesel(sql_type = Date)]
    pub period: NaiveDate,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub status_revision: Option<i64>,
    #[diesel(sql_type = Text)]
    pub flow: String,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub pending_transfer_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    pub debit_kind: String,
    #[diesel(sql_type = SqlUuid)]
    pub debit_party_id: Uuid,
    #[diesel(sql_type = Text)]
    pub credit_kind: String,
    #[diesel(sql_type = SqlUuid)]
    pub credit_party_id: Uuid,
    #[diesel(sql_type = Text)]
    pub currency: String,
    #[diesel(sql_type = BigInt)]
    pub amount_micros: i64,
    #[diesel(sql_type = Timestamptz)]
    pub recorded_at: Moment,
}

/// One telling.
#[derive(Debug, Clone, QueryableByName)]
pub struct DeliveryRow {
    #[diesel(sql_type = SqlUuid)]
    pub delivery_id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub status_revision: i64,
    #[diesel(sql_type = SqlUuid)]
    pub endpoint_id: Uuid,
    #[diesel(sql_type = Text)]
    pub told: String,
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub due_at: Option<Moment>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Moment,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<Moment>,
    #[diesel(sql_type = Nullable<Text>)]
    pub waits_for: Option<String>,
}

/// One attempt.
#[derive(Debug, Clone, QueryableByName)]
pub struct AttemptRow {
    #[diesel(sql_type = SqlUuid)]
    pub delivery_id: Uuid,
    #[diesel(sql_type = Integer)]
    pub number: i32,
    #[diesel(sql_type = Timestamptz)]
    pub started_at: Moment,
    #[diesel(sql_type = Integer)]
    pub duration_ms: i32,
    #[diesel(sql_type = Nullable<Integer>)]
    pub answered_ms: Option<i32>,
    #[diesel(sql_type = Text)]
    pub request: String,
    /// Names, a blank between two.
    #[diesel(sql_type = Text)]
    pub headers: String,
    #[diesel(sql_type = Nullable<Integer>)]
    pub http_status: Option<i32>,
    #[diesel(sql_type = Text)]
    pub failure: String,
    #[diesel(sql_type = Text)]
    pub response: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_due_at: Option<Moment>,
}

// The page and the total.
macro_rules! texts {
    ($and:literal) => {
        (
            concat!("SELECT * ", texts!(from $and), " ORDER BY received_at DESC, conversion_id OFFSET $6 LIMIT $7"),
            concat!("SELECT count(*) AS rows FROM (SELECT ", texts!(from $and), " LIMIT $6) AS counted"),
        )
    };
    (from $and:literal) => {
        concat!(
            "FROM conversions WHERE tenant_id = $1 AND status <> 'unreached' AND ($2 IS NULL OR publisher_id = $2)
                AND ($3 IS NULL OR gk_click_id = $3) AND ($4 IS NULL OR CASE
                    WHEN status IN ('pending', 'on_review') THEN 'pending'
                    WHEN status IN ('success', 'flagged') THEN 'success' ELSE 'rejected' END = $4)
                AND ",
            $and
        )
    };
}

// A partial index serves a text that says its condition, whatever the parameters are. So each that has one has its own text.
const fn list_texts(filter: &Filter) -> (&'static str, &'static str) {
    match (filter.on_review, filter.reason_code.is_some()) {
        (None, false) => texts!("$5 IS NULL"),
        (None, true) => texts!("reason_code = $5 AND reason_code <> ''"),
        (Some(true), false) => texts!("$5 IS NULL AND status = 'on_review'"),
        (Some(true), true) => texts!("reason_code = $5 AND reason_code <> '' AND status = 'on_review'"),
        (Some(false), false) => texts!("$5 IS NULL AND status <> 'on_review'"),
        (Some(false), true) => texts!("reason_code = $5 AND reason_code <> '' AND status <> 'on_review'"),
    }
}

/// A page of conversions, newest postback first, and how many there are in all.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn conversions(
    connection: &mut AsyncPgConnection,
    scope: Scope,
    filter: Filter,
) -> QueryResult<(Vec<ConversionRow>, u64)> {
    let (page, total) = list_texts(&filter);
    let page = sql_query(page)
        .bind::<SqlUuid, _>(scope.tenant.as_uuid())
        .bind::<Nullable<SqlUuid>, _>(scope.publisher.map(PublisherId::as_uuid))
        .bind::<Nullable<SqlUuid>, _>(filter.click.map(ClickId::as_uuid))
        .bind::<Nullable<Text>, _>(filter.told.map(words::told))
        .bind::<Nullable<Text>, _>(filter.reason_code)
        .bind::<BigInt, _>(filter.offset)
        .bind::<BigInt, _>(filter.limit);
    let rows = kept(page).load(connection).await?;
    let total = sql_query(total)
        .bind::<SqlUuid, _>(scope.tenant.as_uuid())
        .bind::<Nullable<SqlUuid>, _>(scope.publisher.map(PublisherId::as_uuid))
        .bind::<Nullable<SqlUuid>, _>(filter.click.map(ClickId::as_uuid))
        .bind::<Nullable<Text>, _>(filter.told.map(words::told))
        .bind::<Nullable<Text>, _>(filter.reason_code)
        .bind::<BigInt, _>(COUNTED_MAX);
    let total: Count = kept(total).get_result(connection).await?;
    Ok((rows, u64::try_from(total.rows).unwrap_or_default()))
}

/// One conversion.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn conversion(
    connection: &mut AsyncPgConnection,
    scope: Scope,
    conversion: ConversionId,
) -> QueryResult<Option<ConversionRow>> {
    let select = sql_query(
        "SELECT * FROM conversions WHERE tenant_id = $1 AND conversion_id = $2 AND status <> 'unreached'
            AND ($3 IS NULL OR publisher_id = $3)",
    )
    .bind::<SqlUuid, _>(scope.tenant.as_uuid())
    .bind::<SqlUuid, _>(conversion.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(scope.publisher.map(PublisherId::as_uuid));
    let rows: Vec<ConversionRow> = kept(select).load(connection).await?;
    Ok(rows.into_iter().next())
}

/// Its changes, oldest first.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn history(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    conversion: ConversionId,
) -> QueryResult<Vec<HistoryRow>> {
    let select = sql_query(
        "SELECT * FROM conversion_history WHERE tenant_id = $1 AND conversion_id = $2 ORDER BY status_revision",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(conversion.as_uuid());
    kept(select).load(connection).await
}

/// Ledger rows, newest first; of one conversion, when it is named.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn transfers(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    conversion: Option<ConversionId>,
    offset: i64,
    limit: i64,
) -> QueryResult<(Vec<TransferRow>, u64)> {
    let select = sql_query(
        "SELECT transfers.*, debit.kind AS debit_kind, debit.party_id AS debit_party_id,
            credit.kind AS credit_kind, credit.party_id AS credit_party_id
        FROM ledger_transfers AS transfers
        JOIN ledger_accounts AS debit
            ON debit.tenant_id = transfers.tenant_id AND debit.account_id = transfers.debit_account_id
        JOIN ledger_accounts AS credit
            ON credit.tenant_id = transfers.tenant_id AND credit.account_id = transfers.credit_account_id
        WHERE transfers.tenant_id = $1 AND ($2 IS NULL OR transfers.conversion_id = $2)
        ORDER BY recorded_at DESC, conversion_id, status_revision DESC, flow, transfers.kind OFFSET $3 LIMIT $4",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(conversion.map(ConversionId::as_uuid))
    .bind::<BigInt, _>(offset)
    .bind::<BigInt, _>(limit);
    let rows = kept(select).load(connection).await?;
    let count = sql_query(
        "SELECT count(*) AS rows FROM (SELECT FROM ledger_transfers
            WHERE tenant_id = $1 AND ($2 IS NULL OR conversion_id = $2) LIMIT $3) AS counted",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(conversion.map(ConversionId::as_uuid))
    .bind::<BigInt, _>(COUNTED_MAX);
    let total: Count = kept(count).get_result(connection).await?;
    Ok((rows, u64::try_from(total.rows).unwrap_or_default()))
}

/// The tellings of a conversion with their attempts, oldest first.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn deliveries(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    conversion: ConversionId,
) -> QueryResult<(Vec<DeliveryRow>, Vec<AttemptRow>)> {
    let select = sql_query(concat!(
        "SELECT deliveries.*, (",
        waits_for!("deliveries"),
        ") AS waits_for FROM deliveries
        WHERE tenant_id = $1 AND conversion_id = $2 ORDER BY status_revision, endpoint_id"
    ))
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(conversion.as_uuid());
    let deliveries = kept(select).load(connection).await?;
    let select = sql_query(
        "SELECT attempts.* FROM delivery_attempts AS attempts
        JOIN deliveries USING (tenant_id, delivery_id)
        WHERE tenant_id = $1 AND conversion_id = $2 ORDER BY number",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(conversion.as_uuid());
    Ok((deliveries, kept(select).load(connection).await?))
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}
