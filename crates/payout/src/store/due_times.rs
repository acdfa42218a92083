//! When deliveries are due, where neither a status change nor an attempt says it.

use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, BigInt, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use postgres_kit::kept;

use super::{
    column::{column, revision_to_sql},
    deliveries::{Ended, Outcome},
};

/// Puts a delivery off for an hour, its attempt unrecorded: what came of it can not be written.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn put_off(connection: &mut AsyncPgConnection, outcome: &Outcome) -> QueryResult<usize> {
    let update = sql_query(
        "UPDATE deliveries SET due_at = now() + interval '1 hour', lease = NULL, leased_until = NULL
        WHERE tenant_id = $1 AND delivery_id = $2 AND lease = $3 AND state = 'waiting'",
    )
    .bind::<SqlUuid, _>(outcome.tenant.as_uuid())
    .bind::<SqlUuid, _>(outcome.id.as_uuid())
    .bind::<SqlUuid, _>(outcome.lease);
    kept(update).execute(connection).await
}

/// Makes due what waited for these older tellings to be over.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn release_successors(connection: &mut AsyncPgConnection, ended: &[Ended]) -> QueryResult<usize> {
    if ended.is_empty() {
        return Ok(0);
    }
    let update = sql_query(
        "UPDATE deliveries SET due_at = now()
        FROM unnest($1, $2, $3, $4) AS older (tenant_id, conversion_id, endpoint_id, revision)
        WHERE deliveries.tenant_id = older.tenant_id AND deliveries.conversion_id = older.conversion_id
            AND deliveries.endpoint_id = older.endpoint_id AND status_revision > older.revision
            AND state = 'waiting' AND attempts = 0 AND lease IS NULL AND due_at > now()",
    )
    .bind::<Array<SqlUuid>, _>(column(ended, |row| row.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(ended, |row| row.conversion.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(ended, |row| row.endpoint.as_uuid()))
    .bind::<Array<BigInt>, _>(column(ended, |row| revision_to_sql(row.revision)));
    kept(update).execute(connection).await
}
