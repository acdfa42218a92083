//! Deliveries that are told again: what was ordered, what became of it. [`working`] takes the steps.

pub mod working;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{DeliveryId, EndpointId, PublisherId, TenantId, Timestamp, TokenId};
use postgres_kit::{kept, text::without_nul};
use uuid::Uuid;

use super::{
    column::{Moment, from_sql, to_sql},
    deliveries::End,
};
use crate::domain::replay::ORDER_MAX;

/// Names an order.
pub type ReplayKey = (TenantId, Uuid);

/// Which deliveries of a publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Whose.
    pub publisher: PublisherId,
    /// To one endpoint.
    pub endpoint: Option<EndpointId>,
    /// How they ended, in the order of their words, each once.
    pub states: Vec<End>,
    /// When the status had changed: from then on.
    pub from: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
}

impl Selection {
    fn words(&self) -> Vec<&'static str> {
        self.states.iter().map(|end| end.word()).collect()
    }
}

/// An order to write.
#[derive(Debug, Clone)]
pub struct NewReplay {
    /// Whose, and its id.
    pub key: ReplayKey,
    /// Which deliveries.
    pub selection: Selection,
    /// One only, made due in this transaction.
    pub delivery: Option<DeliveryId>,
    /// Whose token.
    pub token: TokenId,
    /// Why, for people.
    pub reason: String,
    /// How many deliveries there are.
    pub total: u64,
}

/// An order as people see it.
#[derive(Debug, Clone, QueryableByName)]
pub struct ReplayRow {
    #[diesel(sql_type = SqlUuid)]
    pub replay_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub publisher_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub endpoint_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub delivery_id: Option<Uuid>,
    #[diesel(sql_type = Array<Text>)]
    pub states: Vec<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub created_from: Option<Moment>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub created_until: Option<Moment>,
    #[diesel(sql_type = SqlUuid)]
    pub token_id: Uuid,
    #[diesel(sql_type = Text)]
    pub reason: String,
    #[diesel(sql_type = Timestamptz)]
    pub ordered_at: Moment,
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = BigInt)]
    pub total: i64,
    #[diesel(sql_type = BigInt)]
    pub replayed: i64,
    #[diesel(sql_type = BigInt)]
    pub skipped: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<Moment>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub stopped_by: Option<Uuid>,
}

impl ReplayRow {
    /// Whether it is what somebody asks for now.
    pub fn is_for(&self, selection: &Selection, delivery: Option<DeliveryId>, reason: &str) -> bool {
        let micros = |moment: Option<Moment>| moment.map(|moment| from_sql(moment).as_micros());
        self.publisher_id == selection.publisher.as_uuid()
            && self.endpoint_id == selection.endpoint.map(EndpointId::as_uuid)
            && self.delivery_id == delivery.map(DeliveryId::as_uuid)
            && self.states == selection.words()
            && micros(self.created_from) == selection.from.map(Timestamp::as_micros)
            && micros(self.created_until) == selection.until.map(Timestamp::as_micros)
            && self.reason == reason
    }
}

/// Makes the orders of a publisher be taken one after the other; `false` when the tenant has none such. Its row is not
/// locked: whoever looks for due work would wait for it, and with it every other publisher.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_publisher(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    publisher: PublisherId,
) -> QueryResult<bool> {
    let lock = sql_query(
        "SELECT pg_advisory_xact_lock(hashtextextended('delivery replays of ' || $1::text || $2::text, 0))",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(publisher.as_uuid());
    kept(lock).execute(connection).await?;
    let select =
        sql_query("SELECT publisher_id AS id FROM publishers WHERE tenant_id = $1 AND publisher_id = $2")
            .bind::<SqlUuid, _>(tenant.as_uuid())
            .bind::<SqlUuid, _>(publisher.as_uuid());
    let rows: Vec<IdRow> = kept(select).load(connection).await?;
    Ok(!rows.is_empty())
}

/// Whether an endpoint is, or was, a publisher's.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn has_endpoint(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    publisher: PublisherId,
    endpoint: EndpointId,
) -> QueryResult<bool> {
    let select = sql_query(
        "SELECT endpoint_id AS id FROM postback_endpoints
        WHERE tenant_id = $1 AND endpoint_id = $2 AND publisher_id = $3",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(endpoint.as_uuid())
    .bind::<SqlUuid, _>(publisher.as_uuid());
    let rows: Vec<IdRow> = kept(select).load(connection).await?;
    Ok(!rows.is_empty())
}

/// How many deliveries a selection holds now; one more than [`ORDER_MAX`] when it is more than that.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn count(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    selection: &Selection,
) -> QueryResult<u64> {
    // Each endpoint's own of each state, by its index: what is not asked for is not read.
    let text = "SELECT count(*) AS rows FROM (
            SELECT FROM postback_endpoints AS endpoints
            CROSS JOIN unnest($4) AS wanted (state)
            CROSS JOIN LATERAL (
                SELECT FROM deliveries
                WHERE deliveries.tenant_id = endpoints.tenant_id AND deliveries.endpoint_id = endpoints.endpoint_id
                    AND deliveries.state = wanted.state
                    AND created_at >= coalesce($5, '-infinity') AND created_at < coalesce($6, 'infinity')
                    AND ended_at <= now()
                LIMIT $7
            ) AS found
            WHERE endpoints.tenant_id = $1 AND endpoints.publisher_id = $2 AND ($3 IS NULL OR endpoints.endpoint_id = $3)
            LIMIT $7
        ) AS counted";
    let select = sql_query(text)
        .bind::<SqlUuid, _>(tenant.as_uuid())
        .bind::<SqlUuid, _>(selection.publisher.as_uuid())
        .bind::<Nullable<SqlUuid>, _>(selection.endpoint.map(EndpointId::as_uuid))
        .bind::<Array<Text>, _>(selection.words())
        .bind::<Nullable<Timestamptz>, _>(selection.from.map(to_sql))
        .bind::<Nullable<Timestamptz>, _>(selection.until.map(to_sql))
        .bind::<BigInt, _>(i64::from(ORDER_MAX).saturating_add(1));
    let found: CountRow = kept(select).get_result(connection).await?;
    Ok(u64::try_from(found.rows).unwrap_or_default())
}

/// Writes an order; `false` when its id is taken. One of a single delivery is done with it.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(connection: &mut AsyncPgConnection, order: &NewReplay) -> QueryResult<bool> {
    let Selection { publisher, endpoint, from, until, .. } = &order.selection;
    let insert = sql_query(
        "INSERT INTO delivery_replays (tenant_id, replay_id, publisher_id, endpoint_id, delivery_id, states, created_from,
            created_until, token_id, reason, total, state, replayed, step_at, ended_at)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
            CASE WHEN is_single THEN 'done' ELSE 'running' END, CASE WHEN is_single THEN 1 ELSE 0 END,
            CASE WHEN is_single THEN NULL ELSE now() END, CASE WHEN is_single THEN now() END
        FROM (SELECT $5::uuid IS NOT NULL AS is_single) AS kind
        ON CONFLICT (tenant_id, replay_id) DO NOTHING",
    )
    .bind::<SqlUuid, _>(order.key.0.as_uuid())
    .bind::<SqlUuid, _>(order.key.1)
    .bind::<SqlUuid, _>(publisher.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(endpoint.map(EndpointId::as_uuid))
    .bind::<Nullable<SqlUuid>, _>(order.delivery.map(DeliveryId::as_uuid))
    .bind::<Array<Text>, _>(order.selection.words())
    .bind::<Nullable<Timestamptz>, _>(from.map(to_sql))
    .bind::<Nullable<Timestamptz>, _>(until.map(to_sql))
    .bind::<SqlUuid, _>(order.token.as_uuid())
    .bind::<Text, _>(without_nul(&order.reason))
    .bind::<BigInt, _>(i64::try_from(order.total).unwrap_or(i64::MAX));
    Ok(kept(insert).execute(connection).await? > 0)
}

/// One order.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn get(connection: &mut AsyncPgConnection, key: ReplayKey) -> QueryResult<Option<ReplayRow>> {
    let select = sql_query("SELECT * FROM delivery_replays WHERE tenant_id = $1 AND replay_id = $2")
        .bind::<SqlUuid, _>(key.0.as_uuid())
        .bind::<SqlUuid, _>(key.1);
    let rows: Vec<ReplayRow> = kept(select).load(connection).await?;
    Ok(rows.into_iter().next())
}

/// The order of a publisher that is running.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn running(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    publisher: PublisherId,
) -> QueryResult<Option<ReplayRow>> {
    let select = sql_query(
        "SELECT * FROM delivery_replays WHERE tenant_id = $1 AND publisher_id = $2 AND state = 'running'",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(publisher.as_uuid());
    let rows: Vec<ReplayRow> = kept(select).load(connection).await?;
    Ok(rows.into_iter().next())
}

/// A page of orders, the latest first, and how many there are in all.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    offset: i64,
    limit: i64,
) -> QueryResult<(Vec<ReplayRow>, u64)> {
    let select = sql_query(
        "SELECT * FROM delivery_replays WHERE tenant_id = $1
        ORDER BY ordered_at DESC, replay_id OFFSET $2 LIMIT $3",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<BigInt, _>(offset)
    .bind::<BigInt, _>(limit);
    let rows = kept(select).load(connection).await?;
    let count = sql_query("SELECT count(*) AS rows FROM delivery_replays WHERE tenant_id = $1")
        .bind::<SqlUuid, _>(tenant.as_uuid());
    let total: CountRow = kept(count).get_result(connection).await?;
    Ok((rows, u64::try_from(total.rows).unwrap_or_default()))
}

/// Ends an order before its time; `false` when it is not running.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn stop(connection: &mut AsyncPgConnection, key: ReplayKey, token: TokenId) -> QueryResult<bool> {
    let update = sql_query(
        "UPDATE delivery_replays SET state = 'stopped', step_at = NULL, ended_at = now(), stopped_by = $3
        WHERE tenant_id = $1 AND replay_id = $2 AND state = 'running'",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1)
    .bind::<SqlUuid, _>(token.as_uuid());
    Ok(kept(update).execute(connection).await? > 0)
}

/// How those that were made due stand now.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct ProgressRow {
    /// Tried at least once since.
    #[diesel(sql_type = BigInt)]
    pub sent: i64,
    /// The publisher knows.
    #[diesel(sql_type = BigInt)]
    pub delivered: i64,
    /// Given up again.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    /// Replaced by a newer status meanwhile.
    #[diesel(sql_type = BigInt)]
    pub superseded: i64,
    /// Still to be told.
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
}

/// How many were not made due, for one reason.
#[derive(Debug, Clone, QueryableByName)]
pub struct SkippedRow {
    /// Its word.
    #[diesel(sql_type = Text)]
    pub because: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub deliveries: i64,
}

/// What became of an order's deliveries until now.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn progress(
    connection: &mut AsyncPgConnection,
    key: ReplayKey,
) -> QueryResult<(ProgressRow, Vec<SkippedRow>)> {
    let select = sql_query(
        "SELECT count(*) FILTER (WHERE attempts > items.attempts_before) AS sent,
            count(*) FILTER (WHERE state = 'delivered') AS delivered,
            count(*) FILTER (WHERE state IN ('exhausted', 'stopped')) AS failed,
            count(*) FILTER (WHERE state = 'superseded') AS superseded,
            count(*) FILTER (WHERE state = 'waiting') AS waiting
        FROM delivery_replay_items AS items JOIN deliveries USING (tenant_id, delivery_id)
        WHERE tenant_id = $1 AND items.replay_id = $2 AND skipped_because IS NULL",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1);
    let progress = kept(select).get_result(connection).await?;
    let select = sql_query(
        "SELECT skipped_because AS because, count(*) AS deliveries FROM delivery_replay_items
        WHERE tenant_id = $1 AND replay_id = $2 AND skipped_because IS NOT NULL
        GROUP BY skipped_because ORDER BY skipped_because",
    )
    .bind::<SqlUuid, _>(key.0.as_uuid())
    .bind::<SqlUuid, _>(key.1);
    Ok((progress, kept(select).load(connection).await?))
}

#[derive(QueryableByName)]
struct IdRow {
    #[expect(dead_code, reason = "that there is one is all")]
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}
