//! What each running replica of a service knows of its input, for the others: one that reads everything at once can not know
//! that another stands before a backlog.
//!
//! The table is the service's own, by its own migration, because not every service needs it:
//! `replicas (replica uuid PRIMARY KEY, lags boolean NOT NULL, seen_at timestamptz NOT NULL)`.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::kept::kept;

/// Says whether this replica lags, and returns whether any other does that was seen within two minutes: one that died is
/// waited for no longer than that. Its row goes after an hour.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn compare(connection: &mut AsyncPgConnection, replica: Uuid, lags: bool) -> QueryResult<bool> {
    let tell = sql_query(
        "WITH own AS (
            INSERT INTO replicas (replica, lags, seen_at) VALUES ($1, $2, now())
            ON CONFLICT (replica) DO UPDATE SET lags = excluded.lags, seen_at = excluded.seen_at
        ), gone AS (
            DELETE FROM replicas WHERE replica <> $1 AND seen_at < now() - interval '1 hour'
        )
        SELECT count(*) AS lagging FROM replicas
        WHERE replica <> $1 AND lags AND seen_at > now() - interval '2 minutes'",
    )
    .bind::<SqlUuid, _>(replica)
    .bind::<Bool, _>(lags);
    let found: Count = kept(tell).get_result(connection).await?;
    Ok(found.lagging > 0)
}

/// This replica reads no more; the others need not wait for it.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn leave(connection: &mut AsyncPgConnection, replica: Uuid) -> QueryResult<usize> {
    let delete = sql_query("DELETE FROM replicas WHERE replica = $1").bind::<SqlUuid, _>(replica);
    kept(delete).execute(connection).await
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    lagging: i64,
}
