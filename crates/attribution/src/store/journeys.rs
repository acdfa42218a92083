//! Journeys: stubs, their locks, the click, what they wait for.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, OfferId, PublisherId, TenantId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::{
    JourneyKey,
    moment::{from_sql, to_sql},
};
use crate::domain::Waits;

/// A journey whose row this transaction holds.
#[derive(Debug, Clone)]
pub struct LockedJourney {
    /// Its name.
    pub key: JourneyKey,
    /// The click's fact, once it has arrived.
    pub click: Option<Vec<u8>>,
    /// How far input had been seen when it was last judged.
    pub horizon: Option<Timestamp>,
    /// Its person was forgotten.
    pub erased: bool,
    /// The versions under whose terms it was replayed for real, the latest last.
    pub replayed: Vec<u32>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    click_id: Uuid,
    #[diesel(sql_type = Nullable<Binary>)]
    click: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    horizon: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    erased: bool,
    #[diesel(sql_type = Nullable<Array<Integer>>)]
    replayed: Option<Vec<i32>>,
}

impl From<Row> for LockedJourney {
    fn from(row: Row) -> Self {
        Self {
            key: (TenantId::from_uuid(row.tenant_id), ClickId::from_uuid(row.click_id)),
            click: row.click,
            horizon: row.horizon.map(from_sql),
            erased: row.erased,
            replayed: row.replayed.into_iter().flatten().filter_map(|one| u32::try_from(one).ok()).collect(),
        }
    }
}

fn columns(keys: &BTreeSet<JourneyKey>) -> (Vec<Uuid>, Vec<Uuid>) {
    keys.iter().map(|(tenant, click)| (tenant.as_uuid(), click.as_uuid())).unzip()
}

/// Makes the stubs that are missing and locks all of these journeys, both in the order of their keys: two batches never
/// wait for each other in a circle, and a click never misses its postback.
///
/// # Errors
/// The database's.
pub async fn make_and_lock(
    connection: &mut AsyncPgConnection,
    keys: &BTreeSet<JourneyKey>,
) -> QueryResult<Vec<LockedJourney>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let (tenants, clicks) = columns(keys);
    let make = sql_query(
        // Most are there: asking first is cheaper than to be refused.
        "INSERT INTO journeys (tenant_id, click_id)
        SELECT tenant_id, click_id FROM unnest($1, $2) WITH ORDINALITY AS wanted (tenant_id, click_id, place)
        WHERE NOT EXISTS (SELECT FROM journeys AS made WHERE made.tenant_id = wanted.tenant_id
            AND made.click_id = wanted.click_id)
        ORDER BY place
        ON CONFLICT DO NOTHING",
    )
    .bind::<Array<SqlUuid>, _>(&tenants)
    .bind::<Array<SqlUuid>, _>(&clicks);
    kept(make).execute(connection).await?;
    lock(connection, keys).await
}

/// Locks those of these journeys that exist, in the order of their keys.
///
/// # Errors
/// The database's.
pub async fn lock(
    connection: &mut AsyncPgConnection,
    keys: &BTreeSet<JourneyKey>,
) -> QueryResult<Vec<LockedJourney>> {
    let (tenants, clicks) = columns(keys);
    let lock = sql_query(
        "SELECT tenant_id, click_id, click, horizon, erased_at IS NOT NULL AS erased, replayed FROM journeys
        WHERE (tenant_id, click_id) IN (SELECT * FROM unnest($1, $2))
        ORDER BY tenant_id, click_id
        FOR UPDATE",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks);
    let rows: Vec<Row> = kept(lock).load(connection).await?;
    Ok(rows.into_iter().map(LockedJourney::from).collect())
}

/// Reads those of these journeys that exist, and waits for nobody: for whoever only looks.
///
/// # Errors
/// The database's.
pub async fn read(
    connection: &mut AsyncPgConnection,
    keys: &BTreeSet<JourneyKey>,
) -> QueryResult<Vec<LockedJourney>> {
    let (tenants, clicks) = columns(keys);
    let select = sql_query(
        "SELECT tenant_id, click_id, click, horizon, erased_at IS NOT NULL AS erased, replayed FROM journeys
        WHERE (tenant_id, click_id) IN (SELECT * FROM unnest($1, $2))
        ORDER BY tenant_id, click_id",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks);
    let rows: Vec<Row> = kept(select).load(connection).await?;
    Ok(rows.into_iter().map(LockedJourney::from).collect())
}

/// Notes under which version's terms journeys that this transaction holds are replayed; where it was the last one before,
/// nothing changes.
///
/// # Errors
/// The database's.
pub async fn save_replayed(
    connection: &mut AsyncPgConnection,
    rows: &[(JourneyKey, u32)],
) -> QueryResult<()> {
    let tenants: Vec<Uuid> = rows.iter().map(|(key, _)| key.0.as_uuid()).collect();
    let clicks: Vec<Uuid> = rows.iter().map(|(key, _)| key.1.as_uuid()).collect();
    let versions: Vec<i32> =
        rows.iter().map(|(_, version)| i32::try_from(*version).unwrap_or(i32::MAX)).collect();
    let update = sql_query(
        "UPDATE journeys SET replayed = array_append(array_remove(replayed, new.version), new.version)
        FROM unnest($1, $2, $3) AS new (tenant_id, click_id, version)
        WHERE journeys.tenant_id = new.tenant_id AND journeys.click_id = new.click_id",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks)
    .bind::<Array<Integer>, _>(versions);
    kept(update).execute(connection).await.map(drop)
}

/// Locks up to `limit` journeys whose waiting time is over; those that somebody else holds are left for later, so this
/// waits for nobody.
///
/// # Errors
/// The database's.
pub async fn lock_due(
    connection: &mut AsyncPgConnection,
    horizon: Timestamp,
    limit: u16,
) -> QueryResult<Vec<LockedJourney>> {
    let lock = sql_query(
        "SELECT tenant_id, click_id, click, horizon, erased_at IS NOT NULL AS erased, replayed FROM journeys
        WHERE wait_until <= $1 ORDER BY wait_until LIMIT $2
        FOR UPDATE SKIP LOCKED",
    )
    .bind::<Timestamptz, _>(to_sql(horizon))
    .bind::<BigInt, _>(i64::from(limit));
    let rows: Vec<Row> = kept(lock).load(connection).await?;
    Ok(rows.into_iter().map(LockedJourney::from).collect())
}

/// Lets a journey that this transaction holds wait for longer.
///
/// # Errors
/// The database's.
pub async fn put_off(
    connection: &mut AsyncPgConnection,
    (tenant, click): JourneyKey,
    until: Timestamp,
) -> QueryResult<()> {
    let update = sql_query("UPDATE journeys SET wait_until = $3 WHERE tenant_id = $1 AND click_id = $2")
        .bind::<SqlUuid, _>(tenant.as_uuid())
        .bind::<SqlUuid, _>(click.as_uuid())
        .bind::<Timestamptz, _>(to_sql(until));
    kept(update).execute(connection).await.map(drop)
}

/// Up to `limit` open journeys of an offer after a click id, in the order of their keys.
///
/// # Errors
/// The database's.
pub async fn open_after(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    offer: OfferId,
    after: Option<Uuid>,
    limit: u16,
) -> QueryResult<BTreeSet<JourneyKey>> {
    #[derive(QueryableByName)]
    struct Key {
        #[diesel(sql_type = SqlUuid)]
        click_id: Uuid,
    }
    let select = sql_query(
        "SELECT click_id FROM journeys WHERE tenant_id = $1 AND open AND offer_id = $2 AND click_id > $3
        ORDER BY click_id LIMIT $4",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(offer.as_uuid())
    .bind::<SqlUuid, _>(after.unwrap_or(Uuid::nil()))
    .bind::<BigInt, _>(i64::from(limit));
    let rows: Vec<Key> = kept(select).load(connection).await?;
    Ok(rows.into_iter().map(|row| (tenant, ClickId::from_uuid(row.click_id))).collect())
}

/// The next offer, after one, that has open journeys.
///
/// # Errors
/// The database's.
pub async fn next_open_offer(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    after: Option<Uuid>,
) -> QueryResult<Option<OfferId>> {
    #[derive(QueryableByName)]
    struct Key {
        #[diesel(sql_type = SqlUuid)]
        offer_id: Uuid,
    }
    let select = sql_query(
        "SELECT offer_id FROM journeys WHERE tenant_id = $1 AND open AND offer_id > $2
        ORDER BY offer_id LIMIT 1",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(after.unwrap_or(Uuid::nil()));
    let rows: Vec<Key> = kept(select).load(connection).await?;
    Ok(rows.into_iter().next().map(|row| OfferId::from_uuid(row.offer_id)))
}

/// A click to be written into its journey.
#[derive(Debug, Clone)]
pub struct ClickRow {
    /// Its journey.
    pub key: JourneyKey,
    /// The fact as it came.
    pub fact: Vec<u8>,
    /// When it happened.
    pub clicked_at: Timestamp,
    /// Its offer.
    pub offer: OfferId,
    /// Who sent the user.
    pub publisher: PublisherId,
}

/// Writes clicks into journeys that this transaction holds and that have none.
///
/// # Errors
/// The database's.
pub async fn save_clicks(connection: &mut AsyncPgConnection, rows: &[ClickRow]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.key.0.as_uuid()).collect();
    let clicks: Vec<Uuid> = rows.iter().map(|row| row.key.1.as_uuid()).collect();
    let facts: Vec<&[u8]> = rows.iter().map(|row| row.fact.as_slice()).collect();
    let times: Vec<DateTime<Utc>> = rows.iter().map(|row| to_sql(row.clicked_at)).collect();
    let offers: Vec<Uuid> = rows.iter().map(|row| row.offer.as_uuid()).collect();
    let publishers: Vec<Uuid> = rows.iter().map(|row| row.publisher.as_uuid()).collect();
    let update = sql_query(
        "UPDATE journeys SET click = new.click, clicked_at = new.clicked_at, offer_id = new.offer_id,
            publisher_id = new.publisher_id
        FROM unnest($1, $2, $3, $4, $5, $6)
            AS new (tenant_id, click_id, click, clicked_at, offer_id, publisher_id)
        WHERE journeys.tenant_id = new.tenant_id AND journeys.click_id = new.click_id AND journeys.click IS NULL",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks)
    .bind::<Array<Binary>, _>(facts)
    .bind::<Array<Timestamptz>, _>(times)
    .bind::<Array<SqlUuid>, _>(offers)
    .bind::<Array<SqlUuid>, _>(publishers);
    kept(update).execute(connection).await.map(drop)
}

/// What a journey waits for, and how far input had been seen.
#[derive(Debug, Clone, Copy)]
pub struct WaitRow {
    /// Its journey.
    pub key: JourneyKey,
    /// How far input had been seen.
    pub horizon: Timestamp,
    /// What it waits for.
    pub waits: Waits,
}

/// Writes what journeys wait for, where that changed.
///
/// # Errors
/// The database's.
pub async fn save_waits(mut connection: &AsyncPgConnection, rows: &[WaitRow]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.key.0.as_uuid()).collect();
    let clicks: Vec<Uuid> = rows.iter().map(|row| row.key.1.as_uuid()).collect();
    let horizons: Vec<DateTime<Utc>> = rows.iter().map(|row| to_sql(row.horizon)).collect();
    let untils: Vec<Option<DateTime<Utc>>> = rows.iter().map(|row| row.waits.until.map(to_sql)).collect();
    let opens: Vec<bool> = rows.iter().map(|row| row.waits.open).collect();
    // The horizon alone is no reason for a write: it only matters where something waits, and there it is written.
    let update = sql_query(
        "UPDATE journeys SET horizon = new.horizon, wait_until = new.wait_until, open = new.open
        FROM unnest($1, $2, $3, $4, $5) AS new (tenant_id, click_id, horizon, wait_until, open)
        WHERE journeys.tenant_id = new.tenant_id AND journeys.click_id = new.click_id
            AND (journeys.wait_until IS DISTINCT FROM new.wait_until OR journeys.open <> new.open)",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks)
    .bind::<Array<Timestamptz>, _>(horizons)
    .bind::<Array<Nullable<Timestamptz>>, _>(untils)
    .bind::<Array<Bool>, _>(opens);
    kept(update).execute(&mut connection).await.map(drop)
}

/// How many journeys without a click wait until before then; counts no further than 1000.
///
/// # Errors
/// The database's.
pub async fn without_click(connection: &mut AsyncPgConnection, until: Timestamp) -> QueryResult<u64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        journeys: i64,
    }
    let count = sql_query(
        "SELECT count(*) AS journeys FROM (
            SELECT FROM journeys WHERE click IS NULL AND wait_until < $1 LIMIT 1000
        ) AS overdue",
    )
    .bind::<Timestamptz, _>(to_sql(until));
    let rows: Vec<Count> = kept(count).load(connection).await?;
    Ok(rows.into_iter().next().and_then(|row| u64::try_from(row.journeys).ok()).unwrap_or_default())
}
