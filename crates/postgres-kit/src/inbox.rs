//! Exactly one effect from at-least-once delivery: a consumer claims a fact in the transaction of the fact's effect.
//!
//! Two that claim the same fact at once meet at the unique index: the second waits, and is told that it is not the
//! first if the first commits. So: claim, apply what was claimed, add to the outbox, commit, acknowledge.

use std::{collections::HashSet, time::Duration};

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::FactId;
use process::Supervisor;
use uuid::Uuid;

use crate::{dead_items, error::DbError, kept::kept, pool::Pool};

/// Rows of one statement of the sweep: it should never hold anyone up.
const SWEEP_ROWS: i64 = 10_000;
/// How often old rows are swept.
const SWEEP_PERIOD: Duration = Duration::from_mins(10);

/// Claims `ids` for `consumer` and returns those it has not seen before. Ids may repeat within the batch.
///
/// One statement, rows in the order of their ids, so that two batches never wait for each other in a circle.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn claim(
    mut connection: &AsyncPgConnection,
    consumer: &str,
    ids: &[FactId],
) -> QueryResult<HashSet<FactId>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let mut ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    ids.sort_unstable();
    ids.dedup();
    let insert = sql_query(
        "INSERT INTO inbox (consumer, fact_id)
        SELECT $1, id FROM unnest($2) WITH ORDINALITY AS claimed (id, place) ORDER BY place
        ON CONFLICT DO NOTHING
        RETURNING fact_id",
    )
    .bind::<Text, _>(consumer)
    .bind::<Array<SqlUuid>, _>(ids);
    let first: Vec<Row> = kept(insert).load(&mut connection).await?;
    Ok(first.into_iter().map(|row| FactId::from_uuid(row.fact_id)).collect())
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    fact_id: Uuid,
}

/// Forgets up to 10 000 facts that were seen longer than `age` ago, and returns how many.
///
/// `age` must exceed the longest time after which a fact can be delivered again: what is forgotten is new.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn sweep(connection: &mut AsyncPgConnection, age: Duration) -> QueryResult<usize> {
    let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    sql_query(
        "DELETE FROM inbox WHERE (consumer, fact_id) IN (
            SELECT consumer, fact_id FROM inbox
            WHERE seen_at < now() - make_interval(secs => least($1, 3000000000)::double precision)
            LIMIT $2 FOR UPDATE SKIP LOCKED
        )",
    )
    .bind::<BigInt, _>(seconds)
    .bind::<BigInt, _>(SWEEP_ROWS)
    .execute(connection)
    .await
}

/// Keeps sweeping facts older than `age` until the process stops. Several replicas may do so.
pub fn keep_swept(pool: Pool, age: Duration, supervisor: &Supervisor) {
    supervisor.spawn_support("inbox-sweep", async move {
        loop {
            if let Err(error) = forget_replayed(&pool, age).await {
                tracing::warn!(error = telemetry::chain(&error), "can not forget replayed dead items");
            }
            match sweep_all(&pool, age).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(inbox.rows = rows, "old facts forgotten"),
                Err(error) => tracing::warn!(error = telemetry::chain(&error), "can not sweep the inbox"),
            }
            tokio::time::sleep(SWEEP_PERIOD).await;
        }
    });
}

/// A replayed item is of interest for as long as its consumer would know it.
async fn forget_replayed(pool: &Pool, age: Duration) -> Result<(), DbError> {
    dead_items::forget_replayed(&mut *pool.get().await?, age).await?;
    Ok(())
}

async fn sweep_all(pool: &Pool, age: Duration) -> Result<usize, DbError> {
    let mut total = 0_usize;
    loop {
        let swept = sweep(&mut *pool.get().await?, age).await?;
        total = total.saturating_add(swept);
        if i64::try_from(swept).is_ok_and(|rows| rows < SWEEP_ROWS) {
            return Ok(total);
        }
    }
}
