//! Conversions whose pending time is over. Only what time releases is in the index that is read here, so a million holds that
//! are not due cost nothing.

use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::conversions::{Key, Row, Stored, columns};

/// Locks up to `limit` conversions whose pending time has been over for `seconds` by the database's clock, those first that
/// waited longest. What another sweep or a verdict holds at the moment is left out.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_due(
    connection: &mut AsyncPgConnection,
    seconds: i64,
    limit: u16,
) -> QueryResult<Vec<Stored>> {
    let select = sql_query(concat!(
        "SELECT ",
        columns!(),
        " FROM conversions WHERE status = 'pending' AND hold_ends_at <= now() - $2 * interval '1 second'
        ORDER BY hold_ends_at LIMIT $1 FOR UPDATE SKIP LOCKED"
    ))
    .bind::<BigInt, _>(i64::from(limit))
    .bind::<BigInt, _>(seconds);
    let rows: Vec<Row> = kept(select).load(connection).await?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// The first `limit` conversions whose pending time has been over for `seconds`, by name only: nothing in a row can make this
/// fail.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn due_keys(connection: &mut AsyncPgConnection, seconds: i64, limit: u16) -> QueryResult<Vec<Key>> {
    let select = sql_query(
        "SELECT tenant_id, conversion_id FROM conversions
        WHERE status = 'pending' AND hold_ends_at <= now() - $2 * interval '1 second'
        ORDER BY hold_ends_at LIMIT $1",
    )
    .bind::<BigInt, _>(i64::from(limit))
    .bind::<BigInt, _>(seconds);
    let rows: Vec<KeyRow> = kept(select).load(connection).await?;
    Ok(keys(rows))
}

/// Puts a conversion's release off for an hour.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn put_off(connection: &mut AsyncPgConnection, key: Key) -> QueryResult<usize> {
    let update = sql_query(
        "UPDATE conversions SET hold_ends_at = now() + interval '1 hour'
        WHERE tenant_id = $1 AND conversion_id = $2 AND status = 'pending' AND hold_ends_at <= now()",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1.as_uuid());
    kept(update).execute(connection).await
}

/// How long the oldest hold has been over that is not released yet, in whole seconds; none is: `None`.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn oldest_overdue_seconds(connection: &mut AsyncPgConnection) -> QueryResult<Option<i64>> {
    let select = sql_query(
        "SELECT extract(epoch FROM now() - hold_ends_at)::bigint AS seconds FROM conversions
        WHERE status = 'pending' AND hold_ends_at <= now() ORDER BY hold_ends_at LIMIT 1",
    );
    let oldest: Option<Overdue> = kept(select).get_result(connection).await.optional()?;
    Ok(oldest.map(|row| row.seconds))
}

#[derive(QueryableByName)]
struct Overdue {
    #[diesel(sql_type = BigInt)]
    seconds: i64,
}

/// A conversion by name.
#[derive(QueryableByName)]
pub(super) struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
}

pub(super) fn keys(rows: Vec<KeyRow>) -> Vec<Key> {
    let key = |row: KeyRow| (TenantId::from_uuid(row.tenant_id), ConversionId::from_uuid(row.conversion_id));
    rows.into_iter().map(key).collect()
}
