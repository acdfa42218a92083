//! Dead items on their way again: through this database's outbox, to the exchange of their fact, as they came the first
//! time. Every reader of the fact gets it once more and knows it by its id; the one that buried it has not claimed it and
//! handles it now. What fails again is buried again, which takes its mark away.

use std::time::Duration;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{FactId, TenantId};
use uuid::Uuid;

use crate::outbox::{self, Outgoing};

/// Items of one transaction of a replay.
pub(super) const REPLAY_ITEMS: i64 = 500;
/// The consumer name under which the relay buries what it can not send.
const RELAY: &str = "outbox";

/// Which dead items are meant. What is not said is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// These only; empty: all.
    pub ids: Vec<i64>,
    /// Of this tenant only.
    pub tenant: Option<TenantId>,
    /// Buried by this consumer only.
    pub consumer: Option<String>,
    /// Of this kind only: the fact's full name.
    pub fact: Option<String>,
    /// Whose reason contains this text.
    pub reason: Option<String>,
    /// Buried at least so long ago.
    pub older_than: Duration,
    /// Also what is marked as replayed already.
    pub again: bool,
}

impl Selection {
    /// Everything that waits for a person.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }
}

/// What a replay did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// On their way again.
    pub sent: usize,
    /// Left where they are: too broken to be anybody's, or a fact this release does not know.
    pub without_a_way: usize,
    /// The last id looked at; none when there was nothing left to look at.
    pub last: Option<i64>,
}

/// The conditions of a [`Selection`], bound as $1 … $7.
pub(super) const SELECTED: &str = "(cardinality($1::bigint[]) = 0 OR id = ANY($1))
    AND ($2::uuid IS NULL OR tenant_id = $2) AND ($3::text IS NULL OR consumer = $3)
    AND ($4::text IS NULL OR fact = $4) AND ($5::text IS NULL OR position($5 IN reason) > 0)
    AND buried_at <= now() - make_interval(secs => least($6, 3000000000)::double precision)
    AND ($7 OR replayed_at IS NULL)";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    consumer: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    fact_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    fact: String,
    #[diesel(sql_type = Binary)]
    item: Vec<u8>,
}

/// Puts up to 500 selected items with a higher id than `after` into the outbox and marks them, in the transaction that
/// `connection` is in. Items that somebody else is replaying are left out.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn replay(
    connection: &mut AsyncPgConnection,
    selection: &Selection,
    after: Option<i64>,
) -> QueryResult<Replayed> {
    let rows: Vec<Row> = sql_query(format!(
        "SELECT tenant_id, id, consumer, fact_id, fact, item FROM dead_items
        WHERE {SELECTED} AND id > $8 ORDER BY id LIMIT $9 FOR UPDATE SKIP LOCKED"
    ))
    .bind::<Array<BigInt>, _>(&selection.ids)
    .bind::<Nullable<SqlUuid>, _>(selection.tenant.map(TenantId::as_uuid))
    .bind::<Nullable<Text>, _>(selection.consumer.as_deref())
    .bind::<Nullable<Text>, _>(selection.fact.as_deref())
    .bind::<Nullable<Text>, _>(selection.reason.as_deref())
    .bind::<BigInt, _>(seconds(selection.older_than))
    .bind::<Bool, _>(selection.again)
    .bind::<BigInt, _>(after.unwrap_or(i64::MIN))
    .bind::<BigInt, _>(REPLAY_ITEMS)
    .load(connection)
    .await?;
    let last = rows.last().map(|row| row.id);
    let looked_at = rows.len();
    let mut tenants = Vec::new();
    let mut ids = Vec::new();
    let mut outgoing = Vec::new();
    for row in rows {
        let (tenant, id) = (row.tenant_id, row.id);
        if let Some(fact) = on_its_way(row) {
            tenants.push(tenant);
            ids.push(id);
            outgoing.push(fact);
        }
    }
    outbox::add(connection, &outgoing).await?;
    sql_query(
        "UPDATE dead_items SET replayed_at = now() FROM unnest($1, $2) AS sent (tenant_id, id)
        WHERE dead_items.tenant_id = sent.tenant_id AND dead_items.id = sent.id",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<BigInt>, _>(ids)
    .execute(connection)
    .await?;
    let sent = outgoing.len();
    Ok(Replayed { sent, without_a_way: looked_at.saturating_sub(sent), last })
}

fn on_its_way(row: Row) -> Option<Outgoing> {
    let (exchange, routing_key) = if row.consumer == RELAY {
        // The relay writes down where it could not send it.
        row.fact.split_once(' ')?
    } else {
        let place = contracts::FACTS.iter().position(|name| *name == row.fact)?;
        *contracts::ROUTES.get(place)?
    };
    Some(Outgoing {
        fact_id: FactId::from_uuid(row.fact_id?),
        exchange: String::from(exchange),
        routing_key: String::from(routing_key),
        envelope: row.item,
    })
}

/// Deletes up to 10 000 items that were put on their way longer than `age` ago and were not buried again.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn forget_replayed(connection: &mut AsyncPgConnection, age: Duration) -> QueryResult<usize> {
    sql_query(
        "DELETE FROM dead_items WHERE (tenant_id, id) IN (
            SELECT tenant_id, id FROM dead_items
            WHERE replayed_at < now() - make_interval(secs => least($1, 3000000000)::double precision)
            LIMIT 10000 FOR UPDATE SKIP LOCKED
        )",
    )
    .bind::<BigInt, _>(seconds(age))
    .execute(connection)
    .await
}

pub(super) fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
