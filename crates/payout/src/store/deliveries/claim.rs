//! Taking what is due, under a lease.
//!
//! A claim takes a lease: a random name and an end. Due is what is new, what is to be tried again and what a process that died
//! has left behind: its time has come, and no lease lasts. An attempt is recorded only under its own lease.
//!
//! A lease changes no column that an index holds, so PostgreSQL writes the claimed row into its own page and no index (HOT). What
//! is under way stays where it was among what is due, and is passed over there: as little as may be under way.
//!
//! PostgreSQL plans this statement anew at each claim, because it can guess from its parameters how much it will take. So it holds no
//! more tables than it must: where a delivery goes is read once for each endpoint, by `claimed`.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Double, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{EndpointId, PublisherId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::{EndpointKey, PublisherKey};
use crate::store::column::column;

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

/// Takes due deliveries, round-robin by publisher and within it by endpoint: everybody's first, then everybody's second, and
/// so on, what is under way counted in; of each no more than its share. How long work has been due gives nobody a better
/// turn. Nobody's backlog is read beyond that.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn claim(mut connection: &AsyncPgConnection, claim: &Claim<'_>) -> QueryResult<Vec<Leased>> {
    let shares = claim.shares;
    let limit = i64::try_from(claim.limit).unwrap_or(i64::MAX);
    let update = sql_query(
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
            conversions.traceparent, conversions.tracestate
        FROM claimed
        JOIN conversions USING (tenant_id, conversion_id)
        JOIN conversion_history AS history ON history.tenant_id = claimed.tenant_id
            AND history.conversion_id = claimed.conversion_id AND history.status_revision = claimed.status_revision",
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
    kept(update).load(&mut connection).await
}

/// A delivery that is ours until its lease ends.
#[derive(Debug, Clone, QueryableByName)]
pub struct Leased {
    #[diesel(sql_type = SqlUuid)]
    pub(super) tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(super) delivery_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(super) conversion_id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub(super) status_revision: i64,
    #[diesel(sql_type = SqlUuid)]
    pub(super) endpoint_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(super) publisher_id: Uuid,
    #[diesel(sql_type = Text)]
    pub(super) told: String,
    #[diesel(sql_type = Integer)]
    pub(super) attempts: i32,
    #[diesel(sql_type = Integer)]
    pub(super) attempts_before: i32,
    #[diesel(sql_type = Text)]
    pub(super) reason: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) currency: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(super) payout_micros: Option<i64>,
    #[diesel(sql_type = BigInt)]
    pub(super) reward_points: i64,
    #[diesel(sql_type = Binary)]
    pub(super) verdict: Vec<u8>,
    #[diesel(sql_type = Text)]
    pub(super) traceparent: String,
    #[diesel(sql_type = Text)]
    pub(super) tracestate: String,
}

impl Leased {
    /// Whose it is, and to which endpoint it goes.
    #[must_use]
    pub const fn whose(&self) -> (PublisherKey, EndpointKey) {
        let tenant = TenantId::from_uuid(self.tenant_id);
        (
            (tenant, PublisherId::from_uuid(self.publisher_id)),
            (tenant, EndpointId::from_uuid(self.endpoint_id)),
        )
    }
}
