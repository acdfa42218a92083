//! Which journeys an order is about, found page by page.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use postgres_kit::kept;

use super::Claimed;

/// Adds the journeys of the next `limit` postbacks of the period, or of all clicks that were named; whether that is all.
///
/// # Errors
/// The database's.
pub async fn select(connection: &mut AsyncPgConnection, claimed: &Claimed, limit: i64) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = BigInt)]
        looked_at: i64,
    }
    if claimed.names_clicks {
        return select_named(connection, claimed).await.map(|()| true);
    }
    let page = sql_query(
        "WITH page AS (
            SELECT one.received_at, one.receipt, one.click_id,
                (replay.publisher_id IS NULL OR one.publisher_id = replay.publisher_id)
                    AND (replay.event_id IS NULL OR one.event_id = replay.event_id)
                    AND (replay.code IS NULL OR one.code = replay.code) AS wanted
            FROM replays AS replay JOIN decisions AS one
                ON one.tenant_id = replay.tenant_id AND one.offer_id = replay.offer_id
                    AND one.received_at >= coalesce(replay.seen_at, replay.received_from)
                    AND one.received_at < replay.received_until
            WHERE replay.tenant_id = $1 AND replay.replay_id = $2 AND one.is_current
                AND (replay.seen_at IS NULL OR (one.received_at, one.receipt) > (replay.seen_at, replay.seen_receipt))
            ORDER BY one.received_at, one.receipt LIMIT $3
        ), added AS (
            INSERT INTO replay_journeys (tenant_id, replay_id, click_id)
            SELECT DISTINCT $1, $2, click_id FROM page WHERE wanted AND click_id IS NOT NULL
            ON CONFLICT DO NOTHING
            RETURNING click_id
        ), last AS (
            SELECT received_at, receipt FROM page ORDER BY received_at DESC, receipt DESC LIMIT 1
        ), moved AS (
            UPDATE replays SET stepped_at = clock_timestamp(), selected = selected + (SELECT count(*) FROM added),
                seen_at = coalesce((SELECT received_at FROM last), seen_at),
                seen_receipt = coalesce((SELECT receipt FROM last), seen_receipt)
            WHERE tenant_id = $1 AND replay_id = $2
        )
        SELECT count(*) AS looked_at FROM page",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id)
    .bind::<BigInt, _>(limit);
    let found: Found = kept(page).get_result(connection).await?;
    let is_all = found.looked_at < limit;
    note(connection, claimed, is_all).await?;
    Ok(is_all)
}

async fn select_named(connection: &mut AsyncPgConnection, claimed: &Claimed) -> QueryResult<()> {
    let insert = sql_query(
        "WITH added AS (
            INSERT INTO replay_journeys (tenant_id, replay_id, click_id)
            SELECT DISTINCT $1, $2, journey.click_id
            FROM replays AS replay, unnest(replay.clicks) AS named (click_id)
                JOIN journeys AS journey ON journey.tenant_id = $1 AND journey.click_id = named.click_id
            WHERE replay.tenant_id = $1 AND replay.replay_id = $2
                AND (replay.offer_id IS NULL OR journey.offer_id = replay.offer_id)
            ON CONFLICT DO NOTHING
            RETURNING click_id
        )
        UPDATE replays SET selected = (SELECT count(*) FROM added) WHERE tenant_id = $1 AND replay_id = $2",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id);
    kept(insert).execute(connection).await?;
    note(connection, claimed, true).await
}

async fn note(connection: &mut AsyncPgConnection, claimed: &Claimed, is_all: bool) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE replays SET stepped_at = clock_timestamp(), selected_at = CASE WHEN $3 THEN now() END
        WHERE tenant_id = $1 AND replay_id = $2",
    )
    .bind::<SqlUuid, _>(claimed.tenant.as_uuid())
    .bind::<SqlUuid, _>(claimed.id)
    .bind::<Bool, _>(is_all);
    kept(update).execute(connection).await.map(drop)
}
