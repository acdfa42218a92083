//! Orders to forget a person, and taking the person out of rows.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, PublisherId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::JourneyKey;

/// An order, as it stands.
#[derive(Debug, Clone, QueryableByName)]
pub struct ErasureRow {
    /// Whose.
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: Uuid,
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub erasure_id: Uuid,
    /// `click`, `member` or `device`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Whom to look for; absent when it is done.
    #[diesel(sql_type = Nullable<Text>)]
    pub subject: Option<String>,
    /// Whose member.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub publisher_id: Option<Uuid>,
    /// Tells that two orders meant the same.
    #[diesel(sql_type = Text)]
    pub subject_hash: String,
    /// Whose token ordered it.
    #[diesel(sql_type = SqlUuid)]
    pub ordered_by: Uuid,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub ordered_at: DateTime<Utc>,
    /// When it was done.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub done_at: Option<DateTime<Utc>>,
    /// The time of the last row looked at.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub after_time: Option<DateTime<Utc>>,
    /// Its id.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub after_id: Option<Uuid>,
    /// Clicks forgotten so far.
    #[diesel(sql_type = BigInt)]
    pub clicks: i64,
    /// Raw postbacks forgotten so far.
    #[diesel(sql_type = BigInt)]
    pub postbacks: i64,
}

const COLUMNS: &str =
    "tenant_id, erasure_id, kind, subject, publisher_id, subject_hash, ordered_by, ordered_at, done_at,
    after_time, after_id, clicks, postbacks";

/// A new order.
#[derive(Debug, Clone)]
pub struct NewErasure<'a> {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: Uuid,
    /// `click`, `member` or `device`.
    pub kind: &'a str,
    /// Whom to look for.
    pub subject: &'a str,
    /// Whose member.
    pub publisher: Option<PublisherId>,
    /// Keyed hash of the subject.
    pub subject_hash: &'a str,
    /// Whose token orders it.
    pub ordered_by: Uuid,
}

/// Writes an order.
///
/// # Errors
/// The database's.
pub async fn order(connection: &mut AsyncPgConnection, order: &NewErasure<'_>) -> QueryResult<()> {
    sql_query(
        "INSERT INTO erasures (tenant_id, erasure_id, kind, subject, publisher_id, subject_hash, ordered_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind::<SqlUuid, _>(order.tenant.as_uuid())
    .bind::<SqlUuid, _>(order.id)
    .bind::<Text, _>(order.kind)
    .bind::<Text, _>(order.subject)
    .bind::<Nullable<SqlUuid>, _>(order.publisher.map(PublisherId::as_uuid))
    .bind::<Text, _>(order.subject_hash)
    .bind::<SqlUuid, _>(order.ordered_by)
    .execute(connection)
    .await
    .map(drop)
}

/// One order.
///
/// # Errors
/// The database's.
pub async fn find(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    id: Uuid,
) -> QueryResult<Option<ErasureRow>> {
    sql_query(format!("SELECT {COLUMNS} FROM erasures WHERE tenant_id = $1 AND erasure_id = $2"))
        .bind::<SqlUuid, _>(tenant.as_uuid())
        .bind::<SqlUuid, _>(id)
        .get_result(connection)
        .await
        .optional()
}

/// A tenant's orders, the latest first, and how many there are in all.
///
/// # Errors
/// The database's.
pub async fn list(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    offset: i64,
    limit: i64,
) -> QueryResult<(Vec<ErasureRow>, u64)> {
    #[derive(QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let total: Total = sql_query("SELECT count(*) AS total FROM erasures WHERE tenant_id = $1")
        .bind::<SqlUuid, _>(tenant.as_uuid())
        .get_result(connection)
        .await?;
    let rows = sql_query(format!(
        "SELECT {COLUMNS} FROM erasures WHERE tenant_id = $1
        ORDER BY ordered_at DESC, erasure_id DESC OFFSET $2 LIMIT $3"
    ))
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<BigInt, _>(offset)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    Ok((rows, u64::try_from(total.total).unwrap_or_default()))
}

/// Takes the oldest order that is not done and that nobody else works on.
///
/// # Errors
/// The database's.
pub async fn take(connection: &mut AsyncPgConnection) -> QueryResult<Option<ErasureRow>> {
    sql_query(format!(
        "SELECT {COLUMNS} FROM erasures WHERE done_at IS NULL ORDER BY ordered_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    ))
    .get_result(connection)
    .await
    .optional()
}

/// How far a step came.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// The last row looked at; none: the order is done.
    pub after: Option<(Option<DateTime<Utc>>, Uuid)>,
    /// Clicks forgotten in this step.
    pub clicks: usize,
    /// Raw postbacks forgotten in this step.
    pub postbacks: usize,
}

/// Notes how far an order came.
///
/// # Errors
/// The database's.
pub async fn advance(
    connection: &mut AsyncPgConnection,
    order: &ErasureRow,
    progress: &Progress,
) -> QueryResult<()> {
    sql_query(
        "UPDATE erasures SET clicks = clicks + $3, postbacks = postbacks + $4, after_time = $5, after_id = $6,
            done_at = CASE WHEN $7 THEN now() END, subject = CASE WHEN $7 THEN NULL ELSE subject END
        WHERE tenant_id = $1 AND erasure_id = $2",
    )
    .bind::<SqlUuid, _>(order.tenant_id)
    .bind::<SqlUuid, _>(order.erasure_id)
    .bind::<BigInt, _>(i64::try_from(progress.clicks).unwrap_or(i64::MAX))
    .bind::<BigInt, _>(i64::try_from(progress.postbacks).unwrap_or(i64::MAX))
    .bind::<Nullable<Timestamptz>, _>(progress.after.and_then(|(time, _)| time))
    .bind::<Nullable<SqlUuid>, _>(progress.after.map(|(_, id)| id))
    .bind::<Bool, _>(progress.after.is_none())
    .execute(connection)
    .await
    .map(drop)
}

/// A click to look at.
#[derive(Debug, QueryableByName)]
pub struct ClickFact {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub click_id: Uuid,
    /// Its fact.
    #[diesel(sql_type = Binary)]
    pub click: Vec<u8>,
}

/// Up to `limit` clicks of a publisher after one, in the order of their ids.
///
/// # Errors
/// The database's.
pub async fn clicks_after(
    connection: &mut AsyncPgConnection,
    tenant: Uuid,
    publisher: Option<Uuid>,
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<ClickFact>> {
    sql_query(
        "SELECT click_id, click FROM journeys
        WHERE tenant_id = $1 AND click_id > $2 AND publisher_id = $3 AND click IS NOT NULL
        ORDER BY click_id LIMIT $4",
    )
    .bind::<SqlUuid, _>(tenant)
    .bind::<SqlUuid, _>(after.unwrap_or(Uuid::nil()))
    .bind::<Nullable<SqlUuid>, _>(publisher)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await
}

/// A raw postback to look at.
#[derive(Debug, QueryableByName)]
pub struct RawFact {
    /// Whose.
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: Uuid,
    /// When it was received.
    #[diesel(sql_type = Timestamptz)]
    pub received_at: DateTime<Utc>,
    /// Its receipt.
    #[diesel(sql_type = SqlUuid)]
    pub receipt: Uuid,
    /// The click it names.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub click_id: Option<Uuid>,
    /// Its query.
    #[diesel(sql_type = Binary)]
    pub query: Vec<u8>,
    /// What its body says it is.
    #[diesel(sql_type = Text)]
    pub content_type: String,
    /// Its body.
    #[diesel(sql_type = Binary)]
    pub body: Vec<u8>,
}

/// Up to `limit` raw postbacks after one, in the order of their receipt.
///
/// # Errors
/// The database's.
pub async fn raw_after(
    connection: &mut AsyncPgConnection,
    tenant: Uuid,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> QueryResult<Vec<RawFact>> {
    let (time, receipt) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()));
    sql_query(
        "SELECT tenant_id, received_at, receipt, click_id, query, content_type, body FROM postbacks
        WHERE tenant_id = $1 AND received_at >= $2 AND (received_at, receipt) > ($2, $3)
        ORDER BY received_at, receipt LIMIT $4",
    )
    .bind::<SqlUuid, _>(tenant)
    .bind::<Timestamptz, _>(time)
    .bind::<SqlUuid, _>(receipt)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await
}

/// The raw postbacks of these journeys, as far as they are kept.
///
/// # Errors
/// The database's.
pub async fn raw_of_journeys(
    connection: &mut AsyncPgConnection,
    keys: &BTreeSet<JourneyKey>,
) -> QueryResult<Vec<RawFact>> {
    let (tenants, clicks) = columns(keys);
    let select = sql_query(
        "SELECT postbacks.tenant_id, postbacks.received_at, postbacks.receipt, postbacks.click_id, query, content_type,
            body
        FROM journey_postbacks AS own
        JOIN unnest($1, $2) AS wanted (tenant_id, click_id) USING (tenant_id, click_id)
        JOIN postbacks ON postbacks.tenant_id = own.tenant_id AND postbacks.received_at = own.received_at
            AND postbacks.receipt = own.receipt",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(clicks);
    kept(select).load(connection).await
}

/// Writes raw postbacks as they are left: a query and nothing else.
///
/// # Errors
/// The database's.
pub async fn save_raw(connection: &mut AsyncPgConnection, rows: &[(&RawFact, String)]) -> QueryResult<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    let tenants: Vec<Uuid> = rows.iter().map(|(row, _)| row.tenant_id).collect();
    let times: Vec<DateTime<Utc>> = rows.iter().map(|(row, _)| row.received_at).collect();
    let receipts: Vec<Uuid> = rows.iter().map(|(row, _)| row.receipt).collect();
    let queries: Vec<&[u8]> = rows.iter().map(|(_, query)| query.as_bytes()).collect();
    let update = sql_query(
        "UPDATE postbacks SET query = new.query, content_type = '', body = ''
        FROM unnest($1, $2, $3, $4) AS new (tenant_id, received_at, receipt, query)
        WHERE postbacks.tenant_id = new.tenant_id AND postbacks.received_at = new.received_at
            AND postbacks.receipt = new.receipt",
    )
    .bind::<Array<SqlUuid>, _>(&tenants)
    .bind::<Array<Timestamptz>, _>(&times)
    .bind::<Array<SqlUuid>, _>(&receipts)
    .bind::<Array<Binary>, _>(queries);
    let saved = kept(update).execute(connection).await?;
    // Without a click, these are found by nothing else.
    let searched = sql_query(
        "UPDATE decisions SET appsflyer_id = NULL
        FROM unnest($1, $2, $3) AS gone (tenant_id, received_at, receipt)
        WHERE decisions.tenant_id = gone.tenant_id AND decisions.received_at = gone.received_at
            AND decisions.receipt = gone.receipt AND decisions.appsflyer_id IS NOT NULL",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<Timestamptz>, _>(times)
    .bind::<Array<SqlUuid>, _>(receipts);
    kept(searched).execute(connection).await?;
    Ok(saved)
}

/// Marks journeys that this transaction holds, and writes their clicks as they are left. Takes what is personal out of
/// their postbacks' claims (see `Told`) and the texts that people wrote about them.
///
/// # Errors
/// The database's.
pub async fn forget(
    connection: &mut AsyncPgConnection,
    rows: &[(JourneyKey, Option<Vec<u8>>)],
) -> QueryResult<()> {
    let tenants: Vec<Uuid> = rows.iter().map(|((tenant, _), _)| tenant.as_uuid()).collect();
    let clicks: Vec<Uuid> = rows.iter().map(|((_, click), _)| click.as_uuid()).collect();
    let facts: Vec<Option<&[u8]>> = rows.iter().map(|(_, fact)| fact.as_deref()).collect();
    let journeys = sql_query(
        "UPDATE journeys SET click = new.click, erased_at = coalesce(erased_at, now())
        FROM unnest($1, $2, $3) AS new (tenant_id, click_id, click)
        WHERE journeys.tenant_id = new.tenant_id AND journeys.click_id = new.click_id",
    )
    .bind::<Array<SqlUuid>, _>(&tenants)
    .bind::<Array<SqlUuid>, _>(&clicks)
    .bind::<Array<Nullable<Binary>>, _>(facts);
    kept(journeys).execute(connection).await?;
    let claims = sql_query(
        "UPDATE journey_postbacks AS own
        SET claims = claims #- '{told,ip_address}' #- '{told,email}' #- '{told,user_id}' #- '{told,subs}'
            #- '{appsflyer_id}'
        FROM unnest($1, $2) AS gone (tenant_id, click_id)
        WHERE own.tenant_id = gone.tenant_id AND own.click_id = gone.click_id",
    )
    .bind::<Array<SqlUuid>, _>(&tenants)
    .bind::<Array<SqlUuid>, _>(&clicks);
    kept(claims).execute(connection).await?;
    let reasons = sql_query(
        "UPDATE people_decisions AS own SET reason = ''
        FROM unnest($1, $2) AS gone (tenant_id, click_id)
        WHERE own.tenant_id = gone.tenant_id AND own.click_id = gone.click_id AND reason <> ''",
    )
    .bind::<Array<SqlUuid>, _>(&tenants)
    .bind::<Array<SqlUuid>, _>(&clicks);
    kept(reasons).execute(connection).await.map(drop)
}

/// A click's member, under the name before it was forgotten and the one after.
#[derive(Debug, Clone)]
pub struct Renamed {
    /// The click.
    pub key: JourneyKey,
    /// Its offer.
    pub offer: Uuid,
    /// The name before; the same as `after` when it was forgotten before.
    pub before: String,
    /// The keyed hash in its place; empty when there was none.
    pub after: String,
}

/// Takes the member out of what decisions are searched by, and lets what it did first (rule 15) count under its new name.
///
/// # Errors
/// The database's.
pub async fn rename_members(connection: &mut AsyncPgConnection, renamed: &[Renamed]) -> QueryResult<()> {
    let tenants: Vec<Uuid> = renamed.iter().map(|one| one.key.0.as_uuid()).collect();
    let clicks: Vec<Uuid> = renamed.iter().map(|one| one.key.1.as_uuid()).collect();
    let offers: Vec<Uuid> = renamed.iter().map(|one| one.offer).collect();
    let before: Vec<&[u8]> = renamed.iter().map(|one| one.before.as_bytes()).collect();
    let after: Vec<&str> = renamed.iter().map(|one| one.after.as_str()).collect();
    let decisions = sql_query(
        "UPDATE decisions SET appsflyer_id = NULL,
            member_id = CASE WHEN decisions.member_id IS NOT NULL THEN nullif(gone.after, '') END
        FROM unnest($1, $2, $3) AS gone (tenant_id, click_id, after)
        JOIN journey_postbacks AS own USING (tenant_id, click_id)
        WHERE decisions.tenant_id = own.tenant_id AND decisions.received_at = own.received_at
            AND decisions.receipt = own.receipt",
    )
    .bind::<Array<SqlUuid>, _>(&tenants)
    .bind::<Array<SqlUuid>, _>(clicks)
    .bind::<Array<Text>, _>(&after);
    kept(decisions).execute(connection).await?;
    let steps = sql_query(
        "INSERT INTO first_steps (tenant_id, offer_id, member, offer_event_id, click_id, claimed_at)
        SELECT DISTINCT first_steps.tenant_id, first_steps.offer_id, sha256(convert_to(gone.after, 'UTF8')),
            first_steps.offer_event_id, first_steps.click_id, first_steps.claimed_at
        FROM unnest($1, $2, $3, $4) AS gone (tenant_id, offer_id, before, after)
        JOIN first_steps ON first_steps.tenant_id = gone.tenant_id AND first_steps.offer_id = gone.offer_id
            AND first_steps.member = sha256(gone.before)
        WHERE gone.after <> ''
        ON CONFLICT DO NOTHING",
    )
    .bind::<Array<SqlUuid>, _>(&tenants)
    .bind::<Array<SqlUuid>, _>(offers)
    .bind::<Array<Binary>, _>(before)
    .bind::<Array<Text>, _>(&after);
    kept(steps).execute(connection).await.map(drop)
}

fn columns(keys: &BTreeSet<JourneyKey>) -> (Vec<Uuid>, Vec<Uuid>) {
    keys.iter().map(|(tenant, click): &(TenantId, ClickId)| (tenant.as_uuid(), click.as_uuid())).unzip()
}
