//! Replays that are over.

use diesel::{
    QueryResult, sql_query,
    sql_types::{BigInt, Integer},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use postgres_kit::kept;

/// Of one table: rows of replays that were ordered so long ago, up to a limit.
macro_rules! forget_rows_of {
    ($table:literal) => {
        concat!(
            "WITH doomed AS (
                SELECT line.ctid FROM ",
            $table,
            " AS line JOIN replays AS old USING (tenant_id, replay_id)
                WHERE old.ordered_at < now() - make_interval(days => $1)
                LIMIT $2 FOR UPDATE OF line SKIP LOCKED
            )
            DELETE FROM ",
            $table,
            " WHERE ctid IN (SELECT ctid FROM doomed)",
        )
    };
}

/// Removes up to `limit` rows of replays that were ordered so long ago, and the replays that have none left; how many rows.
///
/// # Errors
/// The database's.
pub async fn forget_old(connection: &mut AsyncPgConnection, days: i32, limit: i64) -> QueryResult<usize> {
    for forget in [forget_rows_of!("replay_differences"), forget_rows_of!("replay_journeys")] {
        let forget = sql_query(forget).bind::<Integer, _>(days).bind::<BigInt, _>(limit);
        let removed = kept(forget).execute(connection).await?;
        if removed > 0 {
            return Ok(removed);
        }
    }
    let orders = sql_query(
        "WITH gone AS (
            DELETE FROM replays WHERE ordered_at < now() - make_interval(days => $1) RETURNING tenant_id, replay_id
        ), counts AS (
            DELETE FROM replay_counts USING gone
            WHERE replay_counts.tenant_id = gone.tenant_id AND replay_counts.replay_id = gone.replay_id
        ), sums AS (
            DELETE FROM replay_sums USING gone
            WHERE replay_sums.tenant_id = gone.tenant_id AND replay_sums.replay_id = gone.replay_id
        )
        SELECT FROM gone",
    )
    .bind::<Integer, _>(days);
    kept(orders).execute(connection).await
}
