//! Taking what is due, under a lease.
//!
//! A claim takes a lease: a random name and an end. Due is what is new, what is to be tried again and what a process that died
//! has left behind: its time has come, and no lease lasts. An attempt is recorded only under its own lease.
//!
//! A lease changes no column that an index holds, so PostgreSQL writes the claimed row into its own page and no index (HOT). What
//! is under way stays where it was among what is due, and is passed over there: as little as may be under way.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, DeliveryId, EndpointId, Micros, Money, PublisherId, TenantId};
use postgres_kit::kept;
use telemetry::TraceContext;
use uuid::Uuid;

use super::PublisherKey;
use crate::{
    domain::standing::Told,
    store::{
        column::{column, currency_from_sql, revision_from_sql, unreadable},
        publishers::Method,
        words,
    },
};

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
                    AND state = 'waiting' AND due_at <= now() AND coalesce(leased_until, '-infinity') <= now()
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
            UPDATE deliveries SET lease = $9, leased_until = now() + make_interval(secs => $10)
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
    .bind::<Double, _>(f64::from(claim.lease_seconds));
    let rows: Vec<ClaimedRow> = kept(select).load(connection).await?;
    Ok(rows.into_iter().map(ClaimedRow::read).collect())
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
