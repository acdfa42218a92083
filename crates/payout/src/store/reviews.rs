//! What is on review, of all tenants, by its reason: how many, and for how long nobody has moved the oldest.
//!
//! A look walks from code to code, one step in the index for each, and counts each up to a bound: what it costs does not
//! depend on how much waits.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use postgres_kit::kept;

/// As far as conversions of one code are counted: an alarm does not ask how many more there are.
const COUNTED_MAX: i64 = 10_000;

/// Codes of one look: more than there are.
const CODES_MAX: i64 = 100;

/// Conversions that are on review for one reason.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Waiting {
    /// The reason's code.
    #[diesel(sql_type = Text)]
    pub reason_code: String,
    /// How many, or [`COUNTED_MAX`].
    #[diesel(sql_type = BigInt)]
    pub conversions: i64,
    /// Since when the oldest stands as it does.
    #[diesel(sql_type = BigInt)]
    pub oldest_seconds: i64,
}

/// What is on review, by code.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn by_reason(connection: &mut AsyncPgConnection) -> QueryResult<Vec<Waiting>> {
    let select = sql_query(
        "WITH RECURSIVE walk AS (
            (SELECT reason_code, 1 AS step FROM conversions WHERE status = 'on_review' ORDER BY reason_code LIMIT 1)
            UNION ALL
            SELECT next.reason_code, walk.step + 1 FROM walk CROSS JOIN LATERAL (
                SELECT reason_code FROM conversions
                WHERE status = 'on_review' AND reason_code > walk.reason_code ORDER BY reason_code LIMIT 1) AS next
            WHERE walk.step < $1
        )
        SELECT walk.reason_code, counted.conversions,
            greatest(extract(epoch FROM now() - oldest.changed_at), 0)::bigint AS oldest_seconds
        FROM walk
        CROSS JOIN LATERAL (
            SELECT changed_at FROM conversions
            WHERE status = 'on_review' AND reason_code = walk.reason_code
            ORDER BY reason_code, changed_at LIMIT 1) AS oldest
        CROSS JOIN LATERAL (
            SELECT count(*) AS conversions FROM (
                SELECT FROM conversions
                WHERE status = 'on_review' AND reason_code = walk.reason_code LIMIT $2) AS found) AS counted",
    )
    .bind::<BigInt, _>(CODES_MAX)
    .bind::<BigInt, _>(COUNTED_MAX);
    kept(select).load(connection).await
}
