//! Attempts, each written once.

use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{DeliveryId, EndpointId, TenantId, Timestamp};
use postgres_kit::{kept, text::bounded};

use super::column::{column, to_sql};

/// Longest text of a response that is kept.
const RESPONSE_BYTES: usize = 2_048;

/// One attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Whose.
    pub tenant: TenantId,
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// From 1.
    pub number: u16,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_ms: i32,
    /// Until the status line.
    pub answered_ms: Option<i32>,
    /// What was asked, without values.
    pub request: String,
    /// The names of its headers.
    pub headers: Vec<String>,
    /// What was answered.
    pub http_status: Option<u16>,
    /// Why nothing was.
    pub failure: String,
    /// The beginning of the body.
    pub response: String,
    /// When the next one follows, in milliseconds from now.
    pub again_in_ms: Option<u64>,
}

/// Adds attempts. One whose number is taken lost its lease to a later claim, which has told the story since.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(mut connection: &AsyncPgConnection, rows: &[Attempt]) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO delivery_attempts (
            tenant_id, delivery_id, number, started_at, duration_ms, request, http_status, failure, response, next_due_at,
            endpoint_id, answered_ms, headers)
        SELECT tenant_id, delivery_id, number, started_at, duration_ms, request, http_status, failure, response,
            now() + make_interval(secs => again_in_ms / 1000.0), endpoint_id, answered_ms, headers
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS new (
            tenant_id, delivery_id, number, started_at, duration_ms, request, http_status, failure, response, again_in_ms,
            endpoint_id, answered_ms, headers)
        ON CONFLICT DO NOTHING",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.delivery.as_uuid()))
    .bind::<Array<Integer>, _>(column(rows, |row| i32::from(row.number)))
    .bind::<Array<Timestamptz>, _>(column(rows, |row| to_sql(row.started_at)))
    .bind::<Array<Integer>, _>(column(rows, |row| row.duration_ms))
    .bind::<Array<Text>, _>(column(rows, |row| bounded(&row.request, RESPONSE_BYTES).into_owned()))
    .bind::<Array<Nullable<Integer>>, _>(column(rows, |row| row.http_status.map(i32::from)))
    .bind::<Array<Text>, _>(column(rows, |row| bounded(&row.failure, RESPONSE_BYTES).into_owned()))
    .bind::<Array<Text>, _>(column(rows, |row| bounded(&row.response, RESPONSE_BYTES).into_owned()))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.again_in_ms.and_then(|ms| i64::try_from(ms).ok())))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.endpoint.as_uuid()))
    .bind::<Array<Nullable<Integer>>, _>(column(rows, |row| row.answered_ms))
    .bind::<Array<Text>, _>(column(rows, |row| bounded(&row.headers.join(" "), RESPONSE_BYTES).into_owned()));
    kept(insert).execute(&mut connection).await.map(drop)
}
