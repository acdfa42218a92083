//! Items that no try will help, kept visible and replayable. They block no neighbour: a consumer buries one in the
//! transaction in which it handles the rest of the batch.

mod command;
mod replay;

use contracts::{envelope::Envelope, read};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{FactId, TenantId, Timestamp};
use prost::Message as _;
use uuid::Uuid;

pub use self::{
    command::{CommandError, DeadItemsCommand, Which, run},
    replay::{Replayed, Selection, forget_replayed, replay},
};
use crate::{DbError, Pool, Retries, text, transact};

/// A reason is for people: longer ones are cut.
const REASON_BYTES_MAX: usize = 4_096;
/// A name longer than this is not one of ours.
const FACT_BYTES_MAX: usize = 256;

/// An item to bury.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadItem {
    /// Whose it is, as far as it can be told.
    pub tenant_id: Option<TenantId>,
    /// By which a redelivery is recognised, as far as it can be told.
    pub fact_id: Option<FactId>,
    /// What kind of fact it is.
    pub fact: String,
    /// The whole item, as it came: what a replay hands to the consumer again.
    pub item: Vec<u8>,
    /// Why it can not be handled, for people.
    pub reason: String,
}

impl DeadItem {
    /// An item as it came, and why it can not be handled. What can not be read of it is left out.
    #[must_use]
    pub fn of(item: &Envelope, reason: &str) -> Self {
        Self {
            tenant_id: read::tenant_id(item).ok(),
            fact_id: read::fact_id(item).ok(),
            fact: item.fact.clone(),
            item: item.encode_to_vec(),
            reason: String::from(reason),
        }
    }
}

/// A buried item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buried {
    /// Names it within its tenant.
    pub id: i64,
    /// Which consumer could not handle it.
    pub consumer: String,
    /// The item and why.
    pub item: DeadItem,
    /// How often it was buried.
    pub burials: i32,
    /// When it was buried last.
    pub buried_at: Timestamp,
}

/// Buries `items`. One that is buried already counts once more, with the new reason.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn bury(connection: &mut AsyncPgConnection, consumer: &str, items: &[DeadItem]) -> QueryResult<()> {
    let items = unique(items);
    if items.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = items.iter().map(|item| tenant_key(item.tenant_id)).collect();
    let ids: Vec<Option<Uuid>> = items.iter().map(|item| item.fact_id.map(FactId::as_uuid)).collect();
    let facts: Vec<_> = items.iter().map(|item| text::bounded(&item.fact, FACT_BYTES_MAX)).collect();
    let bodies: Vec<&[u8]> = items.iter().map(|item| item.item.as_slice()).collect();
    let reasons: Vec<_> = items.iter().map(|item| text::bounded(&item.reason, REASON_BYTES_MAX)).collect();
    sql_query(
        "INSERT INTO dead_items (consumer, tenant_id, fact_id, fact, item, reason)
        SELECT $1, tenant_id, fact_id, fact, item, reason
        FROM unnest($2, $3, $4, $5, $6) AS buried (tenant_id, fact_id, fact, item, reason)
        ON CONFLICT (tenant_id, consumer, fact_id) DO UPDATE SET
            fact = excluded.fact, item = excluded.item, reason = excluded.reason,
            burials = dead_items.burials + 1, buried_at = now(), replayed_at = NULL",
    )
    .bind::<Text, _>(consumer)
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<Nullable<SqlUuid>>, _>(ids)
    .bind::<Array<Text>, _>(facts)
    .bind::<Array<Binary>, _>(bodies)
    .bind::<Array<Text>, _>(reasons)
    .execute(connection)
    .await
    .map(drop)
}

/// Buries one item of a consumer in a transaction of its own: what a consumer does when no try has helped.
///
/// # Errors
/// The database's.
pub async fn bury_one(pool: &Pool, consumer: &str, item: &Envelope, reason: &str) -> Result<(), DbError> {
    let dead = DeadItem::of(item, reason);
    transact(pool, Retries::default(), async |connection| {
        Ok::<_, DbError>(bury(connection, consumer, std::slice::from_ref(&dead)).await?)
    })
    .await
}

/// The buried items of `tenant` (`None`: those too broken to tell whose they are) after the id `after`, oldest first,
/// at most `limit`.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn list(
    connection: &mut AsyncPgConnection,
    tenant: Option<TenantId>,
    after: Option<i64>,
    limit: u16,
) -> QueryResult<Vec<Buried>> {
    let rows: Vec<Row> = sql_query(
        "SELECT tenant_id, id, consumer, fact_id, fact, item, reason, burials, buried_at
        FROM dead_items WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind::<SqlUuid, _>(tenant_key(tenant))
    .bind::<BigInt, _>(after.unwrap_or(i64::MIN))
    .bind::<BigInt, _>(i64::from(limit))
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(Buried::from).collect())
}

/// Takes buried items out, to hand them to their consumer in the same transaction: when that fails again, the rollback
/// puts them back. Items that somebody else is taking are left out.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn take(
    connection: &mut AsyncPgConnection,
    tenant: Option<TenantId>,
    ids: &[i64],
) -> QueryResult<Vec<Buried>> {
    let rows: Vec<Row> = sql_query(
        "WITH taken AS MATERIALIZED (
            SELECT tenant_id, id FROM dead_items WHERE tenant_id = $1 AND id = ANY($2)
            ORDER BY id FOR UPDATE SKIP LOCKED
        )
        DELETE FROM dead_items USING taken
        WHERE dead_items.tenant_id = taken.tenant_id AND dead_items.id = taken.id
        RETURNING dead_items.*",
    )
    .bind::<SqlUuid, _>(tenant_key(tenant))
    .bind::<Array<BigInt>, _>(ids)
    .load(connection)
    .await?;
    let mut taken: Vec<Buried> = rows.into_iter().map(Buried::from).collect();
    taken.sort_unstable_by_key(|buried| buried.id);
    Ok(taken)
}

fn tenant_key(tenant: Option<TenantId>) -> Uuid {
    tenant.map_or(Uuid::nil(), TenantId::as_uuid)
}

/// The last of those that are the same: one statement may not touch a row twice (21000).
fn unique(items: &[DeadItem]) -> Vec<&DeadItem> {
    let mut last = std::collections::BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        // Without an id nothing is the same.
        let distinct = if item.fact_id.is_none() { place } else { 0 };
        last.insert((item.tenant_id, item.fact_id, distinct), item);
    }
    last.into_values().collect()
}

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
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Integer)]
    burials: i32,
    #[diesel(sql_type = Timestamptz)]
    buried_at: chrono::DateTime<chrono::Utc>,
}

impl From<Row> for Buried {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            consumer: row.consumer,
            item: DeadItem {
                tenant_id: (!row.tenant_id.is_nil()).then(|| TenantId::from_uuid(row.tenant_id)),
                fact_id: row.fact_id.map(FactId::from_uuid),
                fact: row.fact,
                item: row.item,
                reason: row.reason,
            },
            burials: row.burials,
            buried_at: Timestamp::from_micros(row.buried_at.timestamp_micros()),
        }
    }
}
