//! Which of the holds that are over are released next when more are over than one batch takes: to each publisher its share, so
//! that half a million holds of one, over at the same moment, make nobody else wait.
//!
//! A look walks from publisher to publisher, one step in the index and one look for what is due for each, and reads no more of
//! anybody's than is taken.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{PublisherId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::{
    column::column,
    conversions::Key,
    deliveries::PublisherKey,
    due_holds::{KeyRow, keys},
};

/// Publishers of one look: all that have anything Pending or on review, as a rule. Of more, looks take turns.
const PUBLISHERS_OF_A_LOOK: i64 = 500;

/// What is due of one publisher, that first which waited longest. Which status it is stands where the planner does not see it: so
/// nothing but the index of publishers serves, and never that of all holds, in which it would be found behind everybody else's.
macro_rules! due_of {
    ($publisher:literal, $seconds:literal) => {
        concat!(
            "status IN ('pending', 'on_review') AND status = (SELECT 'pending')
                AND conversions.tenant_id = ",
            $publisher,
            ".tenant_id AND conversions.publisher_id = ",
            $publisher,
            ".publisher_id
                AND hold_ends_at <= now() - ",
            $seconds,
            " * interval '1 second'
            ORDER BY hold_ends_at"
        )
    };
}

/// What a look chose.
#[derive(Debug)]
pub struct Chosen {
    /// Locked by this transaction; by name only, so nothing in a row can make this fail.
    pub keys: Vec<Key>,
    /// Behind which publisher the next look begins; none: at the first.
    pub after: Option<PublisherKey>,
}

/// Locks up to `limit` conversions whose pending time has been over for `seconds` by the database's clock: of each publisher an
/// equal share, and what is left of the batch goes to whoever waited longest. What another sweep or a verdict holds at the moment
/// is left out. The walk begins behind the publisher `after`.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn lock(
    connection: &mut AsyncPgConnection,
    seconds: i64,
    limit: u16,
    after: Option<PublisherKey>,
) -> QueryResult<Chosen> {
    let publishers = walk(connection, seconds, after).await?;
    let walked_all = i64::try_from(publishers.len()).unwrap_or(i64::MAX) < PUBLISHERS_OF_A_LOOK;
    let end = publishers.last().map(|(publisher, _)| *publisher).filter(|_| !walked_all);
    let mut due: Vec<PublisherKey> =
        publishers.into_iter().filter_map(|(publisher, is_due)| is_due.then_some(publisher)).collect();
    let limit = usize::from(limit);
    let is_cut = due.len() > limit;
    due.truncate(limit);
    let after = if is_cut { due.last().copied() } else { end };
    let mut chosen = match limit.checked_div(due.len()) {
        Some(share) => of_publishers(connection, seconds, &due, share).await?,
        None => Vec::new(),
    };
    let left = limit.saturating_sub(chosen.len());
    if left > 0 {
        chosen.extend(first_of_others(connection, seconds, left, &chosen).await?);
    }
    Ok(Chosen { keys: chosen, after })
}

/// The next publishers of which anything is Pending or on review, and whether a hold of theirs is over. Backwards: where one begins
/// lie the dead entries of what was just released, and where it ends lies what will be due last.
async fn walk(
    connection: &mut AsyncPgConnection,
    seconds: i64,
    after: Option<PublisherKey>,
) -> QueryResult<Vec<(PublisherKey, bool)>> {
    let (tenant, publisher) = after
        .map_or((Uuid::max(), Uuid::max()), |(tenant, publisher)| (tenant.as_uuid(), publisher.as_uuid()));
    let select = sql_query(concat!(
        "WITH RECURSIVE walk AS (
            (SELECT tenant_id, publisher_id, 1 AS step FROM conversions
                WHERE status IN ('pending', 'on_review') AND (tenant_id, publisher_id) < ($1, $2)
                ORDER BY tenant_id DESC, publisher_id DESC LIMIT 1)
            UNION ALL
            SELECT next.tenant_id, next.publisher_id, walk.step + 1 FROM walk CROSS JOIN LATERAL (
                SELECT tenant_id, publisher_id FROM conversions
                WHERE status IN ('pending', 'on_review')
                    AND (tenant_id, publisher_id) < (walk.tenant_id, walk.publisher_id)
                ORDER BY tenant_id DESC, publisher_id DESC LIMIT 1) AS next
            WHERE walk.step < $4
        )
        SELECT walk.tenant_id, walk.publisher_id, due.is_due IS NOT NULL AS is_due
        FROM walk LEFT JOIN LATERAL (
            SELECT true AS is_due FROM conversions WHERE ",
        due_of!("walk", "$3"),
        " LIMIT 1) AS due ON true
        ORDER BY step"
    ))
    .bind::<SqlUuid, _>(tenant)
    .bind::<SqlUuid, _>(publisher)
    .bind::<BigInt, _>(seconds)
    .bind::<BigInt, _>(PUBLISHERS_OF_A_LOOK);
    let rows: Vec<Walked> = kept(select).load(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let publisher = PublisherId::from_uuid(row.publisher_id);
            ((TenantId::from_uuid(row.tenant_id), publisher), row.is_due)
        })
        .collect())
}

/// Locks up to `share` of each of `publishers`.
async fn of_publishers(
    connection: &mut AsyncPgConnection,
    seconds: i64,
    publishers: &[PublisherKey],
    share: usize,
) -> QueryResult<Vec<Key>> {
    let select = sql_query(concat!(
        "SELECT due.tenant_id, due.conversion_id
        FROM unnest($1, $2) AS share (tenant_id, publisher_id) CROSS JOIN LATERAL (
            SELECT conversions.tenant_id, conversion_id FROM conversions WHERE ",
        due_of!("share", "$3"),
        " LIMIT $4 FOR UPDATE SKIP LOCKED) AS due"
    ))
    .bind::<Array<SqlUuid>, _>(column(publishers, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(publishers, |(_, publisher)| publisher.as_uuid()))
    .bind::<BigInt, _>(seconds)
    .bind::<BigInt, _>(i64::try_from(share).unwrap_or(i64::MAX));
    let rows: Vec<KeyRow> = kept(select).load(connection).await?;
    Ok(keys(rows))
}

/// Locks up to `limit` of those that waited longest, whosever they are, and that are not among `chosen`.
async fn first_of_others(
    connection: &mut AsyncPgConnection,
    seconds: i64,
    limit: usize,
    chosen: &[Key],
) -> QueryResult<Vec<Key>> {
    let select = sql_query(
        "SELECT tenant_id, conversion_id FROM conversions
        WHERE status = 'pending' AND hold_ends_at <= now() - $1 * interval '1 second'
            AND conversion_id NOT IN (SELECT unnest($2))
        ORDER BY hold_ends_at LIMIT $3 FOR UPDATE SKIP LOCKED",
    )
    .bind::<BigInt, _>(seconds)
    .bind::<Array<SqlUuid>, _>(column(chosen, |(_, conversion)| conversion.as_uuid()))
    .bind::<BigInt, _>(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows: Vec<KeyRow> = kept(select).load(connection).await?;
    Ok(keys(rows))
}

#[derive(QueryableByName)]
struct Walked {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    publisher_id: Uuid,
    #[diesel(sql_type = Bool)]
    is_due: bool,
}
