//! Rows that nothing asks for any more.

use diesel::{
    QueryResult, sql_query,
    sql_types::{BigInt, Integer},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Between moving the horizon of the limits' counters and removing what is beyond it, in minutes: longer than any
/// transaction that may have begun before the horizon moved and adds to such a counter.
const HORIZON_RESTS_MINUTES: i32 = 30;

/// Moves the horizon of the limits' counters so that those of periods that ended within the last `days` are kept. It never
/// moves back.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn move_horizon(connection: &mut AsyncPgConnection, days: u16) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE limit_usage_horizon SET kept_from = (now() AT TIME ZONE 'UTC')::date - $1, moved_at = now()
        WHERE kept_from < (now() AT TIME ZONE 'UTC')::date - $1",
    )
    .bind::<Integer, _>(i32::from(days));
    update.execute(connection).await.map(drop)
}

/// Removes up to `limit` counters beyond the horizon, once it has rested, and returns how many.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn remove_usage(connection: &mut AsyncPgConnection, limit: i64) -> QueryResult<usize> {
    let delete = sql_query(
        "DELETE FROM limit_usage WHERE ctid = ANY(ARRAY(
            SELECT usage.ctid FROM limit_usage AS usage, limit_usage_horizon AS horizon
            WHERE usage.period <> 'all_time' AND usage.begins_on < horizon.kept_from
                AND limit_period_ends_on(usage.period, usage.begins_on) <= horizon.kept_from
                AND horizon.moved_at < now() - make_interval(mins => $1)
            LIMIT $2 FOR UPDATE OF usage SKIP LOCKED))",
    )
    .bind::<Integer, _>(HORIZON_RESTS_MINUTES)
    .bind::<BigInt, _>(limit);
    delete.execute(connection).await
}

/// Removes the plan of bulk statuses that was worked off first, with its lines, when that was more than `days` ago; says how many
/// plans that were.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn remove_bulk(connection: &mut AsyncPgConnection, days: u16) -> QueryResult<usize> {
    let delete = sql_query(
        "DELETE FROM bulk_statuses WHERE (tenant_id, bulk_id) IN (
            SELECT tenant_id, bulk_id FROM bulk_statuses
            WHERE finished_at < now() - make_interval(days => $1)
            ORDER BY finished_at LIMIT 1 FOR UPDATE SKIP LOCKED)",
    )
    .bind::<Integer, _>(i32::from(days));
    delete.execute(connection).await
}
