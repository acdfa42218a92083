//! Deliveries: what is to be told, to whom, when, and who is telling it now.
//!
//! A claim takes a lease: a random name and an end. While it lasts `due_at` is its end, so that one condition, `due_at <=
//! now()`, finds what is new, what is to be tried again and what a process that died has left behind. An attempt is
//! recorded only under its own lease.

use std::collections::HashSet;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, DeliveryId, EndpointId, Micros, Money, PublisherId, TenantId};
use postgres_kit::kept;
use telemetry::TraceContext;
use uuid::Uuid;

use super::{
    column::{column, currency_from_sql, revision_from_sql, revision_to_sql, unreadable},
    publishers::Method,
    words,
};
use crate::domain::standing::Told;

/// Names a publisher.
pub type PublisherKey = (TenantId, PublisherId);
/// Names an endpoint.
pub type EndpointKey = (TenantId, EndpointId);

/// A delivery to write.
#[derive(Debug, Clone, Copy)]
pub struct NewDelivery {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: DeliveryId,
    /// Of which conversion.
    pub conversion: ConversionId,
    /// At which status revision.
    pub revision: u64,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// Of which publisher.
    pub publisher: PublisherId,
    /// What is told.
    pub told: Told,
}

/// A delivery that ended, for the fact about it.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: DeliveryId,
    /// Of which conversion.
    pub conversion: ConversionId,
    /// At which status revision.
    pub revision: u64,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// Of which publisher.
    pub publisher: PublisherId,
    /// How it ended.
    pub end: End,
    /// How often it has ended by now.
    pub ends: u64,
    /// After how many attempts.
    pub attempts: u32,
    /// What the last one was answered.
    pub last_http_status: Option<u16>,
    /// Whether a newer status has replaced it, however it ended.
    pub is_superseded: bool,
}

/// How a delivery ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// The publisher knows.
    Delivered,
    /// All attempts failed.
    Exhausted,
    /// A newer status replaced it.
    Superseded,
    /// The endpoint is gone or switched off.
    Stopped,
}

impl End {
    const ALL: [Self; 4] = [Self::Delivered, Self::Exhausted, Self::Superseded, Self::Stopped];

    /// The word in tables and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Exhausted => "exhausted",
            Self::Superseded => "superseded",
            Self::Stopped => "stopped",
        }
    }

    pub(super) fn read(word: &str) -> QueryResult<Self> {
        Self::ALL.into_iter().find(|end| end.word() == word).ok_or_else(|| unreadable("state", word))
    }
}

/// Ends what is still to be told of these conversions, because they are at a newer revision now.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn supersede(
    connection: &mut AsyncPgConnection,
    conversions: &[(TenantId, ConversionId, u64)],
) -> QueryResult<Vec<Ended>> {
    if conversions.is_empty() {
        return Ok(Vec::new());
    }
    let update = sql_query(
        "UPDATE deliveries SET state = 'superseded', due_at = NULL, ended_at = now(), superseded_by = newer.revision,
            ends = ends + 1
        FROM unnest($1, $2, $3) AS newer (tenant_id, conversion_id, revision)
        WHERE deliveries.tenant_id = newer.tenant_id AND deliveries.conversion_id = newer.conversion_id
            AND state = 'waiting' AND status_revision < newer.revision
        RETURNING deliveries.tenant_id, delivery_id, deliveries.conversion_id, status_revision, endpoint_id,
            publisher_id, state, attempts, ends, last_http_status, superseded_by",
    )
    .bind::<Array<SqlUuid>, _>(column(conversions, |(tenant, _, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(conversions, |(_, conversion, _)| conversion.as_uuid()))
    .bind::<Array<BigInt>, _>(column(conversions, |(_, _, revision)| revision_to_sql(*revision)));
    let rows: Vec<EndedRow> = kept(update).load(connection).await?;
    rows.into_iter().map(Ended::try_from).collect()
}

/// Adds deliveries. One waits while an older telling of its conversion to its endpoint is under way, however many were
/// replaced between the two: whatever is told last is the newest.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(connection: &mut AsyncPgConnection, rows: &[NewDelivery]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let insert = sql_query(
        "INSERT INTO deliveries (
            tenant_id, delivery_id, conversion_id, status_revision, endpoint_id, publisher_id, told, state, due_at)
        SELECT tenant_id, delivery_id, conversion_id, revision, endpoint_id, publisher_id, told, 'waiting',
            greatest(now(), (
                SELECT max(leased_until) FROM deliveries AS older
                WHERE older.tenant_id = new.tenant_id AND older.conversion_id = new.conversion_id
                    AND older.endpoint_id = new.endpoint_id AND older.lease IS NOT NULL))
        FROM unnest($1, $2, $3, $4, $5, $6, $7)
            AS new (tenant_id, delivery_id, conversion_id, revision, endpoint_id, publisher_id, told)",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.id.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.conversion.as_uuid()))
    .bind::<Array<BigInt>, _>(column(rows, |row| revision_to_sql(row.revision)))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.endpoint.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.publisher.as_uuid()))
    .bind::<Array<Text>, _>(column(rows, |row| words::told(row.told)));
    kept(insert).execute(connection).await.map(drop)
}

/// What a claim may take.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// Names this claim.
    pub lease: Uuid,
    /// How long it is ours: longer than an attempt may take.
    pub lease_seconds: u32,
    /// Deliveries in all.
    pub limit: usize,
    /// Of whom. An endpoint that is not named has its work left alone, and unread.
    pub shares: &'a [EndpointShare],
}

/// What a claim may take of one endpoint.
#[derive(Debug, Clone, Copy)]
pub struct EndpointShare {
    /// Whose it is.
    pub publisher: PublisherKey,
    /// Which.
    pub endpoint: EndpointId,
    /// Deliveries of it.
    pub take: i32,
    /// Deliveries of all its publisher's endpoints together.
    pub room: i32,
    /// How many of its publisher are under way in this process: its turns begin after these.
    pub under_way: i32,
    /// Its publisher's place among those whose turn it is as well.
    pub place: i32,
}

/// Everything needed to tell one status to one endpoint.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: DeliveryId,
    /// Of which conversion.
    pub conversion: ConversionId,
    /// At which status revision.
    pub revision: u64,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// Of which publisher.
    pub publisher: PublisherId,
    /// What is told.
    pub told: Told,
    /// Attempts before this one.
    pub attempts: u16,
    /// Of these, attempts of schedules that are over: a replay begins a new one.
    pub attempts_before: u16,
    /// How often its endpoint had started afresh by now.
    pub starts: i64,
    /// What the conversion's reason was at that revision.
    pub reason: String,
    /// What the publisher earned at that revision.
    pub payout: Option<Money>,
    /// Points for the publisher's user.
    pub reward_points: i64,
    /// The encoded verdict.
    pub verdict: Vec<u8>,
    /// The trace of the postback behind it.
    pub trace: TraceContext,
    /// How and where.
    pub target: Target,
}

/// A claimed delivery whose rows this release can not read. Its attempt has failed before it began.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: DeliveryId,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// Of which publisher.
    pub publisher: PublisherId,
    /// Attempts before this one.
    pub attempts: u16,
    /// Of these, attempts of schedules that are over.
    pub attempts_before: u16,
    /// How often its endpoint had started afresh by now.
    pub starts: i64,
    /// Which column, and what it holds.
    pub why: String,
    /// The trace of the postback behind it.
    pub trace: TraceContext,
}

/// How and where an endpoint is called.
#[derive(Debug, Clone)]
pub struct Target {
    /// Whether it is to be called at all.
    pub active: bool,
    /// How.
    pub method: Method,
    /// Where.
    pub url_template: String,
    /// Sealed.
    pub signing_secret: Option<Vec<u8>>,
    /// Sealed; only while its overlap lasts.
    pub old_signing_secret: Option<Vec<u8>>,
    /// Name and sealed value.
    pub custom_header: Option<(String, Vec<u8>)>,
}

/// Takes due deliveries, round-robin by publisher and within it by endpoint: everybody's first, then everybody's second, and
/// so on, what is under way counted in; of each no more than its share. How long work has been due gives nobody a better
/// turn. Nobody's backlog is read beyond that. What can not be read is handed out as such,
/// or one such row would stop everybody's.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn claim(
    connection: &mut AsyncPgConnection,
    claim: &Claim<'_>,
) -> QueryResult<Vec<Result<Claimed, Box<Unreadable>>>> {
    let shares = claim.shares;
    let limit = i64::try_from(claim.limit).unwrap_or(i64::MAX);
    let select = sql_query(
        "WITH waiting AS (
            SELECT due.tenant_id, due.delivery_id, due.due_at, share.publisher_id, share.room, share.under_way,
                share.place, row_number() OVER (
                PARTITION BY share.tenant_id, share.endpoint_id ORDER BY due.due_at) AS turn_of_endpoint
            FROM unnest($1, $2, $3, $4, $5, $6, $7)
                AS share (tenant_id, publisher_id, endpoint_id, take, room, under_way, place)
            CROSS JOIN LATERAL (
                SELECT deliveries.tenant_id, delivery_id, due_at FROM deliveries
                WHERE deliveries.tenant_id = share.tenant_id AND deliveries.endpoint_id = share.endpoint_id
                    AND state = 'waiting' AND due_at <= now()
                ORDER BY due_at
                LIMIT share.take
                FOR UPDATE SKIP LOCKED
            ) AS due
        ), turns AS (
            SELECT tenant_id, delivery_id, room, under_way, place, row_number() OVER (
                PARTITION BY tenant_id, publisher_id ORDER BY turn_of_endpoint, due_at) AS turn
            FROM waiting
        ), chosen AS MATERIALIZED (
            SELECT tenant_id, delivery_id FROM turns WHERE turn <= room ORDER BY under_way + turn, place LIMIT $8
        ), claimed AS (
            UPDATE deliveries SET
                lease = $9, leased_until = now() + make_interval(secs => $10),
                due_at = now() + make_interval(secs => $10)
            FROM chosen
            WHERE deliveries.tenant_id = chosen.tenant_id AND deliveries.delivery_id = chosen.delivery_id
            RETURNING deliveries.*
        )
        SELECT claimed.tenant_id, claimed.delivery_id, claimed.conversion_id, claimed.status_revision,
            claimed.endpoint_id, claimed.publisher_id, claimed.told, claimed.attempts, claimed.attempts_before, history.reason,
            history.currency, history.payout_micros, conversions.reward_points, conversions.verdict,
            conversions.traceparent, conversions.tracestate, endpoints.active, endpoints.method, endpoints.url_template,
            endpoints.signing_secret,
            CASE WHEN endpoints.old_secret_until > now() THEN endpoints.old_signing_secret END AS old_signing_secret,
            endpoints.custom_header_name, endpoints.custom_header_value, coalesce(conditions.starts, 0) AS starts
        FROM claimed
        JOIN conversions USING (tenant_id, conversion_id)
        JOIN conversion_history AS history ON history.tenant_id = claimed.tenant_id
            AND history.conversion_id = claimed.conversion_id AND history.status_revision = claimed.status_revision
        JOIN postback_endpoints AS endpoints ON endpoints.tenant_id = claimed.tenant_id
            AND endpoints.endpoint_id = claimed.endpoint_id
        LEFT JOIN endpoint_conditions AS conditions ON conditions.tenant_id = claimed.tenant_id
            AND conditions.endpoint_id = claimed.endpoint_id",
    )
    .bind::<Array<SqlUuid>, _>(column(shares, |share| share.publisher.0.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(shares, |share| share.publisher.1.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(shares, |share| share.endpoint.as_uuid()))
    .bind::<Array<Integer>, _>(column(shares, |share| share.take))
    .bind::<Array<Integer>, _>(column(shares, |share| share.room))
    .bind::<Array<Integer>, _>(column(shares, |share| share.under_way))
    .bind::<Array<Integer>, _>(column(shares, |share| share.place))
    .bind::<BigInt, _>(limit)
    .bind::<SqlUuid, _>(claim.lease)
    .bind::<diesel::sql_types::Double, _>(f64::from(claim.lease_seconds));
    let rows: Vec<ClaimedRow> = kept(select).load(connection).await?;
    Ok(rows.into_iter().map(ClaimedRow::read).collect())
}

/// How an attempt left its delivery.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub id: DeliveryId,
    /// Under which lease.
    pub lease: Uuid,
    /// Its number, from 1.
    pub number: u16,
    /// What it was answered.
    pub http_status: Option<u16>,
    /// What follows.
    pub next: Next,
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing more.
    End(End),
    /// Another attempt, so many milliseconds from now.
    AgainIn(u64),
}

/// What came of recording attempts.
#[derive(Debug, Clone)]
pub struct Concluded {
    /// Those that were recorded: their lease was still theirs.
    pub recorded: HashSet<DeliveryId>,
    /// Those of them that are over.
    pub ended: Vec<Ended>,
}

/// Writes what attempts came to, each under its lease, and returns which were, and which ended by it. One that was superseded
/// while it was sent keeps that end, unless it was delivered after all.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn conclude(connection: &mut AsyncPgConnection, outcomes: &[Outcome]) -> QueryResult<Concluded> {
    let update = sql_query(
        "UPDATE deliveries SET
            attempts = done.number, last_http_status = done.http_status, lease = NULL, leased_until = NULL,
            state = CASE WHEN deliveries.state = 'waiting' OR done.state = 'delivered' THEN done.state ELSE deliveries.state END,
            ends = ends + CASE WHEN done.state = 'delivered' OR deliveries.state = 'waiting' AND done.state <> 'waiting'
                THEN 1 ELSE 0 END,
            due_at = CASE WHEN deliveries.state = 'waiting' AND done.state = 'waiting'
                THEN now() + make_interval(secs => done.again_in_ms / 1000.0) END,
            ended_at = CASE WHEN deliveries.state = 'waiting' AND done.state = 'waiting' THEN NULL ELSE coalesce(deliveries.ended_at, now()) END
        FROM unnest($1, $2, $3, $4, $5, $6, $7)
            AS done (tenant_id, delivery_id, lease, number, http_status, state, again_in_ms)
        WHERE deliveries.tenant_id = done.tenant_id AND deliveries.delivery_id = done.delivery_id
            AND deliveries.lease = done.lease
        RETURNING deliveries.tenant_id, deliveries.delivery_id, conversion_id, status_revision, endpoint_id,
            publisher_id, deliveries.state, attempts, ends, last_http_status, superseded_by",
    )
    .bind::<Array<SqlUuid>, _>(column(outcomes, |row| row.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(outcomes, |row| row.id.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(outcomes, |row| row.lease))
    .bind::<Array<Integer>, _>(column(outcomes, |row| i32::from(row.number)))
    .bind::<Array<Nullable<Integer>>, _>(column(outcomes, |row| row.http_status.map(i32::from)))
    .bind::<Array<Text>, _>(column(outcomes, |row| match row.next {
        Next::End(end) => end.word(),
        Next::AgainIn(_) => "waiting",
    }))
    .bind::<Array<Nullable<BigInt>>, _>(column(outcomes, |row| match row.next {
        Next::End(_) => None,
        Next::AgainIn(ms) => i64::try_from(ms).ok(),
    }));
    let rows: Vec<EndedRow> = kept(update).load(connection).await?;
    let recorded = rows.iter().map(|row| DeliveryId::from_uuid(row.delivery_id)).collect();
    let ended = rows.into_iter().filter(|row| row.state != "waiting").map(Ended::try_from);
    Ok(Concluded { recorded, ended: ended.collect::<QueryResult<_>>()? })
}

#[derive(QueryableByName)]
pub(super) struct EndedRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    delivery_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
    #[diesel(sql_type = BigInt)]
    status_revision: i64,
    #[diesel(sql_type = SqlUuid)]
    endpoint_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    publisher_id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = BigInt)]
    ends: i64,
    #[diesel(sql_type = Nullable<Integer>)]
    last_http_status: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    superseded_by: Option<i64>,
}

impl TryFrom<EndedRow> for Ended {
    type Error = diesel::result::Error;

    fn try_from(row: EndedRow) -> QueryResult<Self> {
        Ok(Self {
            tenant: TenantId::from_uuid(row.tenant_id),
            id: DeliveryId::from_uuid(row.delivery_id),
            conversion: ConversionId::from_uuid(row.conversion_id),
            revision: revision_from_sql(row.status_revision),
            endpoint: EndpointId::from_uuid(row.endpoint_id),
            publisher: PublisherId::from_uuid(row.publisher_id),
            end: End::read(&row.state)?,
            ends: revision_from_sql(row.ends),
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            last_http_status: row.last_http_status.and_then(|status| u16::try_from(status).ok()),
            is_superseded: row.superseded_by.is_some(),
        })
    }
}

#[derive(QueryableByName)]
struct ClaimedRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    delivery_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
    #[diesel(sql_type = BigInt)]
    status_revision: i64,
    #[diesel(sql_type = SqlUuid)]
    endpoint_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    publisher_id: Uuid,
    #[diesel(sql_type = Text)]
    told: String,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Integer)]
    attempts_before: i32,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    payout_micros: Option<i64>,
    #[diesel(sql_type = BigInt)]
    reward_points: i64,
    #[diesel(sql_type = Binary)]
    verdict: Vec<u8>,
    #[diesel(sql_type = Text)]
    traceparent: String,
    #[diesel(sql_type = Text)]
    tracestate: String,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = Text)]
    url_template: String,
    #[diesel(sql_type = Nullable<Binary>)]
    signing_secret: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    old_signing_secret: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Text>)]
    custom_header_name: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    custom_header_value: Option<Vec<u8>>,
    #[diesel(sql_type = BigInt)]
    starts: i64,
}

impl ClaimedRow {
    fn read(self) -> Result<Claimed, Box<Unreadable>> {
        let mut unreadable = Box::new(Unreadable {
            tenant: TenantId::from_uuid(self.tenant_id),
            id: DeliveryId::from_uuid(self.delivery_id),
            endpoint: EndpointId::from_uuid(self.endpoint_id),
            publisher: PublisherId::from_uuid(self.publisher_id),
            attempts: u16::try_from(self.attempts).unwrap_or(u16::MAX),
            attempts_before: u16::try_from(self.attempts_before).unwrap_or(u16::MAX),
            starts: self.starts,
            why: String::new(),
            trace: TraceContext {
                traceparent: self.traceparent.clone(),
                tracestate: self.tracestate.clone(),
            },
        });
        Claimed::try_from(self).map_err(|error| {
            unreadable.why = error.to_string();
            unreadable
        })
    }
}

impl TryFrom<ClaimedRow> for Claimed {
    type Error = diesel::result::Error;

    fn try_from(row: ClaimedRow) -> QueryResult<Self> {
        let payout = match (row.payout_micros, &row.currency) {
            (Some(micros), Some(code)) => Some(Money::new(Micros(micros), currency_from_sql(code)?)),
            (None, _) | (_, None) => None,
        };
        let method = [Method::Get, Method::PostJson]
            .into_iter()
            .find(|method| method.word() == row.method)
            .ok_or_else(|| unreadable("method", &row.method))?;
        Ok(Self {
            tenant: TenantId::from_uuid(row.tenant_id),
            id: DeliveryId::from_uuid(row.delivery_id),
            conversion: ConversionId::from_uuid(row.conversion_id),
            revision: revision_from_sql(row.status_revision),
            endpoint: EndpointId::from_uuid(row.endpoint_id),
            publisher: PublisherId::from_uuid(row.publisher_id),
            told: words::read_told(&row.told)?,
            attempts: u16::try_from(row.attempts).unwrap_or(u16::MAX),
            attempts_before: u16::try_from(row.attempts_before).unwrap_or(u16::MAX),
            starts: row.starts,
            reason: row.reason,
            payout,
            reward_points: row.reward_points,
            verdict: row.verdict,
            trace: TraceContext { traceparent: row.traceparent, tracestate: row.tracestate },
            target: Target {
                active: row.active,
                method,
                url_template: row.url_template,
                signing_secret: row.signing_secret,
                old_signing_secret: row.old_signing_secret,
                custom_header: row.custom_header_name.zip(row.custom_header_value),
            },
        })
    }
}
