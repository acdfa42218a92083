//! The steps of an order: which deliveries come next, whether they may be told again, and that they are.

use std::collections::BTreeMap;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, DeliveryId, EndpointId, PublisherId, TenantId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::{ReplayKey, Selection};
use crate::{
    domain::{
        replay::{Candidate, Skip},
        standing::Status,
    },
    store::{
        column::{Moment, column, from_sql, to_sql},
        deliveries::End,
        words,
    },
};

/// A place in the order in which deliveries are worked off.
pub type Place = (Timestamp, DeliveryId);

/// An order that is locked for a step.
#[derive(Debug, Clone)]
pub struct Running {
    /// Whose, and its id.
    pub key: ReplayKey,
    /// Which deliveries.
    pub selection: Selection,
    /// They had ended by then.
    pub ordered_at: Timestamp,
    /// The last one that was looked at.
    pub after: Option<Place>,
}

/// Orders whose next step is due, those first that waited longest.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn due(connection: &mut AsyncPgConnection, limit: i64) -> QueryResult<Vec<ReplayKey>> {
    let select = sql_query(
        "SELECT tenant_id, replay_id FROM delivery_replays
        WHERE state = 'running' AND step_at <= now() ORDER BY step_at LIMIT $1",
    )
    .bind::<BigInt, _>(limit);
    let rows: Vec<KeyRow> = kept(select).load(connection).await?;
    Ok(rows.into_iter().map(|row| (TenantId::from_uuid(row.tenant_id), row.replay_id)).collect())
}

/// Locks an order whose step is due; nothing when another replica takes it, has taken it, or somebody stopped it.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn claim(connection: &mut AsyncPgConnection, key: ReplayKey) -> QueryResult<Option<Running>> {
    let select = sql_query(
        "SELECT * FROM delivery_replays
        WHERE tenant_id = $1 AND replay_id = $2 AND state = 'running' AND step_at <= now() FOR UPDATE SKIP LOCKED",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1);
    let rows: Vec<RunningRow> = kept(select).load(connection).await?;
    rows.into_iter().next().map(|row| row.read(key)).transpose()
}

/// How many deliveries of a publisher, or of the one endpoint that an order is about, are told again, due, and not tried
/// yet: what waits for another endpoint that does not answer holds up nobody.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn untried(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    publisher: PublisherId,
    endpoint: Option<EndpointId>,
) -> QueryResult<u64> {
    let select = sql_query(
        "SELECT count(*) AS rows FROM deliveries WHERE tenant_id = $1 AND publisher_id = $2
            AND ($3 IS NULL OR endpoint_id = $3) AND state = 'waiting' AND replay_id IS NOT NULL AND attempts = attempts_before",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(publisher.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(endpoint.map(EndpointId::as_uuid));
    let found: CountRow = kept(select).get_result(connection).await?;
    Ok(u64::try_from(found.rows).unwrap_or_default())
}

/// The next deliveries of an order, oldest first, each with its conversion.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn next(
    connection: &mut AsyncPgConnection,
    order: &Running,
    limit: u64,
) -> QueryResult<Vec<(Place, ConversionId)>> {
    let Selection { publisher, endpoint, from, until, .. } = &order.selection;
    // The oldest of each endpoint and state, by their index; then the oldest of all of them.
    let text = "SELECT found.created_at, found.delivery_id, found.conversion_id
        FROM postback_endpoints AS endpoints
        CROSS JOIN unnest($4) AS wanted (state)
        CROSS JOIN LATERAL (
            SELECT created_at, delivery_id, conversion_id FROM deliveries
            WHERE deliveries.tenant_id = endpoints.tenant_id AND deliveries.endpoint_id = endpoints.endpoint_id
                AND deliveries.state = wanted.state
                AND created_at >= coalesce($5, '-infinity') AND created_at < coalesce($6, 'infinity')
                AND ended_at <= $7
                AND (created_at, delivery_id)
                    > (coalesce($8, '-infinity'), coalesce($9, '00000000-0000-0000-0000-000000000000'))
            ORDER BY created_at, delivery_id LIMIT $10
        ) AS found
        WHERE endpoints.tenant_id = $1 AND endpoints.publisher_id = $2 AND ($3 IS NULL OR endpoints.endpoint_id = $3)
        ORDER BY found.created_at, found.delivery_id LIMIT $10";
    let select = sql_query(text)
        .bind::<SqlUuid, _>(order.key.0.as_uuid())
        .bind::<SqlUuid, _>(publisher.as_uuid())
        .bind::<Nullable<SqlUuid>, _>(endpoint.map(EndpointId::as_uuid))
        .bind::<Array<Text>, _>(order.selection.words())
        .bind::<Nullable<Timestamptz>, _>(from.map(to_sql))
        .bind::<Nullable<Timestamptz>, _>(until.map(to_sql))
        .bind::<Timestamptz, _>(to_sql(order.ordered_at))
        .bind::<Nullable<Timestamptz>, _>(order.after.map(|(created, _)| to_sql(created)))
        .bind::<Nullable<SqlUuid>, _>(order.after.map(|(_, id)| id.as_uuid()))
        .bind::<BigInt, _>(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows: Vec<NextRow> = kept(select).load(connection).await?;
    let read = |row: NextRow| {
        let place = (from_sql(row.created_at), DeliveryId::from_uuid(row.delivery_id));
        (place, ConversionId::from_uuid(row.conversion_id))
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Locks conversions in the order of their keys, as whoever changes a status does: what is judged next stays true.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_conversions(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    conversions: &[ConversionId],
) -> QueryResult<()> {
    let select = sql_query(
        "SELECT conversions.tenant_id FROM conversions
        JOIN unnest($2) AS wanted (conversion_id) ON wanted.conversion_id = conversions.conversion_id
        WHERE conversions.tenant_id = $1
        ORDER BY conversions.tenant_id, conversions.conversion_id FOR UPDATE OF conversions",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Array<SqlUuid>, _>(column(conversions, |id| id.as_uuid()));
    kept(select).execute(connection).await.map(drop)
}

/// What there is to judge deliveries by; each is locked. Their conversions are locked before.
///
/// # Errors
/// diesel's, when the statement fails or a row can not be read.
pub async fn candidates(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    deliveries: &[DeliveryId],
) -> QueryResult<BTreeMap<DeliveryId, Candidate>> {
    let select = sql_query(
        "SELECT deliveries.delivery_id, deliveries.state = 'waiting' AS is_waiting, deliveries.told, conversions.status,
            EXISTS (SELECT FROM deliveries AS newer
                WHERE newer.tenant_id = deliveries.tenant_id AND newer.conversion_id = deliveries.conversion_id
                    AND newer.endpoint_id = deliveries.endpoint_id
                    AND newer.status_revision > deliveries.status_revision)
                OR told.payout_micros IS DISTINCT FROM conversions.payout_micros AS has_newer,
            EXISTS (SELECT FROM deliveries AS other
                WHERE other.tenant_id = deliveries.tenant_id AND other.conversion_id = deliveries.conversion_id
                    AND other.endpoint_id = deliveries.endpoint_id
                    AND other.delivery_id <> deliveries.delivery_id AND other.state = 'waiting') AS has_outstanding,
            coalesce(endpoints.active, false) AS is_endpoint_active, conditions.paused_at IS NOT NULL AS is_endpoint_paused
        FROM deliveries
        JOIN unnest($2) AS wanted (delivery_id) ON wanted.delivery_id = deliveries.delivery_id
        JOIN conversions ON conversions.tenant_id = deliveries.tenant_id
            AND conversions.conversion_id = deliveries.conversion_id
        JOIN conversion_history AS told ON told.tenant_id = deliveries.tenant_id
            AND told.conversion_id = deliveries.conversion_id AND told.status_revision = deliveries.status_revision
        LEFT JOIN postback_endpoints AS endpoints ON endpoints.tenant_id = deliveries.tenant_id
            AND endpoints.endpoint_id = deliveries.endpoint_id
        LEFT JOIN endpoint_conditions AS conditions ON conditions.tenant_id = deliveries.tenant_id
            AND conditions.endpoint_id = deliveries.endpoint_id
        WHERE deliveries.tenant_id = $1
        ORDER BY deliveries.delivery_id FOR UPDATE OF deliveries",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Array<SqlUuid>, _>(column(deliveries, |id| id.as_uuid()));
    let rows: Vec<CandidateRow> = kept(select).load(connection).await?;
    rows.into_iter().map(CandidateRow::read).collect()
}

/// Makes deliveries due that ended, with a schedule that begins anew, and behind whatever of their conversion is under way
/// to their endpoint.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn begin_again(
    connection: &mut AsyncPgConnection,
    (tenant, replay): ReplayKey,
    deliveries: &[DeliveryId],
) -> QueryResult<usize> {
    let update = sql_query(
        "UPDATE deliveries SET state = 'waiting', ended_at = NULL, superseded_by = NULL, attempts_before = attempts, replay_id = $2,
            due_at = greatest(now(), (
                SELECT max(leased_until) FROM deliveries AS older
                WHERE older.tenant_id = deliveries.tenant_id AND older.conversion_id = deliveries.conversion_id
                    AND older.endpoint_id = deliveries.endpoint_id AND older.lease IS NOT NULL))
        WHERE tenant_id = $1 AND delivery_id = ANY($3) AND state <> 'waiting'",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(replay)
    .bind::<Array<SqlUuid>, _>(column(deliveries, |id| id.as_uuid()));
    kept(update).execute(connection).await
}

/// Writes down what became of deliveries of an order.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add_items(
    connection: &mut AsyncPgConnection,
    (tenant, replay): ReplayKey,
    judged: &[(DeliveryId, Option<Skip>)],
) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO delivery_replay_items (tenant_id, replay_id, delivery_id, skipped_because, attempts_before)
        SELECT $1, $2, delivery_id, skipped_because, attempts
        FROM unnest($3, $4) AS new (delivery_id, skipped_because)
        JOIN deliveries USING (delivery_id) WHERE deliveries.tenant_id = $1
        ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(replay)
    .bind::<Array<SqlUuid>, _>(column(judged, |(id, _)| id.as_uuid()))
    .bind::<Array<Nullable<Text>>, _>(column(judged, |(_, skip)| skip.map(Skip::word)));
    kept(insert).execute(connection).await.map(drop)
}

/// How a step ended.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Made due.
    pub replayed: usize,
    /// Left as they are.
    pub skipped: usize,
    /// The last delivery that was looked at, when there was one.
    pub last: Option<Place>,
    /// Whether there are no more.
    pub is_over: bool,
    /// When the order goes on.
    pub pause_ms: u32,
}

/// Writes how far an order has come.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn advance(connection: &mut AsyncPgConnection, key: ReplayKey, step: &Step) -> QueryResult<()> {
    let count = |deliveries: usize| i64::try_from(deliveries).unwrap_or(i64::MAX);
    let update = sql_query(
        "UPDATE delivery_replays SET replayed = replayed + $3, skipped = skipped + $4,
            after_created_at = coalesce($5, after_created_at), after_delivery_id = coalesce($6, after_delivery_id),
            state = CASE WHEN $7 THEN 'done' ELSE state END,
            step_at = CASE WHEN $7 THEN NULL ELSE now() + make_interval(secs => $8 / 1000.0) END,
            ended_at = CASE WHEN $7 THEN now() END
        WHERE tenant_id = $1 AND replay_id = $2",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1)
    .bind::<BigInt, _>(count(step.replayed))
    .bind::<BigInt, _>(count(step.skipped))
    .bind::<Nullable<Timestamptz>, _>(step.last.map(|(created, _)| to_sql(created)))
    .bind::<Nullable<SqlUuid>, _>(step.last.map(|(_, id)| id.as_uuid()))
    .bind::<Bool, _>(step.is_over)
    .bind::<Double, _>(f64::from(step.pause_ms));
    kept(update).execute(connection).await.map(drop)
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    replay_id: Uuid,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

#[derive(QueryableByName)]
struct NextRow {
    #[diesel(sql_type = Timestamptz)]
    created_at: Moment,
    #[diesel(sql_type = SqlUuid)]
    delivery_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
}

#[derive(QueryableByName)]
struct RunningRow {
    #[diesel(sql_type = SqlUuid)]
    publisher_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    endpoint_id: Option<Uuid>,
    #[diesel(sql_type = Array<Text>)]
    states: Vec<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    created_from: Option<Moment>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    created_until: Option<Moment>,
    #[diesel(sql_type = Timestamptz)]
    ordered_at: Moment,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    after_created_at: Option<Moment>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    after_delivery_id: Option<Uuid>,
}

impl RunningRow {
    fn read(self, key: ReplayKey) -> QueryResult<Running> {
        let after =
            self.after_created_at.map(from_sql).zip(self.after_delivery_id.map(DeliveryId::from_uuid));
        Ok(Running {
            key,
            selection: Selection {
                publisher: PublisherId::from_uuid(self.publisher_id),
                endpoint: self.endpoint_id.map(EndpointId::from_uuid),
                states: self.states.iter().map(|word| End::read(word)).collect::<QueryResult<_>>()?,
                from: self.created_from.map(from_sql),
                until: self.created_until.map(from_sql),
            },
            ordered_at: from_sql(self.ordered_at),
            after,
        })
    }
}

#[derive(QueryableByName)]
#[expect(clippy::struct_excessive_bools, reason = "the columns of the query")]
struct CandidateRow {
    #[diesel(sql_type = SqlUuid)]
    delivery_id: Uuid,
    #[diesel(sql_type = Bool)]
    is_waiting: bool,
    #[diesel(sql_type = Text)]
    told: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Bool)]
    has_newer: bool,
    #[diesel(sql_type = Bool)]
    has_outstanding: bool,
    #[diesel(sql_type = Bool)]
    is_endpoint_active: bool,
    #[diesel(sql_type = Bool)]
    is_endpoint_paused: bool,
}

impl CandidateRow {
    fn read(self) -> QueryResult<(DeliveryId, Candidate)> {
        let candidate = Candidate {
            is_waiting: self.is_waiting,
            told: words::read_told(&self.told)?,
            stands: words::read_status(&self.status).map(Status::told)?,
            has_newer: self.has_newer,
            has_outstanding: self.has_outstanding,
            is_endpoint_active: self.is_endpoint_active,
            is_endpoint_paused: self.is_endpoint_paused,
        };
        Ok((DeliveryId::from_uuid(self.delivery_id), candidate))
    }
}
