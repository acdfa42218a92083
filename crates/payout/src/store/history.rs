//! Every change of a conversion that somebody saw.

use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use postgres_kit::{kept, text::without_nul};

use super::{
    column::{column, revision_to_sql},
    words,
};
use crate::domain::conversion::Conversion;

/// Adds one row for each conversion as it stands after its change.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(mut connection: &AsyncPgConnection, rows: &[&Conversion]) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO conversion_history (
            tenant_id, conversion_id, status_revision, status, status_by, reason_code, reason, verdict_revision,
            currency, revenue_micros, payout_micros)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.subject.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.subject.conversion.as_uuid()))
    .bind::<Array<BigInt>, _>(column(rows, |row| revision_to_sql(row.status_revision)))
    .bind::<Array<Text>, _>(column(rows, |row| words::status(row.standing.status)))
    .bind::<Array<Text>, _>(column(rows, |row| words::actor(row.standing.by)))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.reason.code)))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.reason.text)))
    .bind::<Array<BigInt>, _>(column(rows, |row| revision_to_sql(row.verdict_revision)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.money.map(|money| money.currency.to_string())))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.money.map(|money| money.revenue.0)))
    .bind::<Array<Nullable<BigInt>>, _>(column(rows, |row| row.money.map(|money| money.payout.0)));
    kept(insert).execute(&mut connection).await.map(drop)
}
