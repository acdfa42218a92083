//! How a publisher's endpoints are: what they answered lately, and what waits for them. Every part of it is bounded.

use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Integer, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{EndpointId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::{
    column::{Moment, from_sql},
    deliveries::PublisherKey,
    endpoint_conditions::Columns,
};
use crate::domain::delivery::Condition;

/// How far back answers are looked at, in seconds.
pub const WINDOW_SECONDS: i32 = 3_600;
/// Of these at most so many, the newest: a percentile of more says nothing else, and a busy endpoint has more than can be
/// read while somebody waits.
const ATTEMPTS_MAX: i64 = 1_000;
/// Beyond this a count is "at least".
pub const COUNTED_MAX: i64 = 100_000;

/// A publisher's own bounds.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Deliveries at a time; absent: the setting's.
    pub max_concurrency: Option<i32>,
    /// Deliveries a second; absent: the setting's.
    pub max_per_second: Option<i32>,
}

/// An endpoint.
#[derive(Debug, Clone, Copy)]
pub struct EndpointHealth {
    /// Which.
    pub endpoint: EndpointId,
    /// Whether the catalog has it switched on.
    pub active: bool,
    /// What its answers say of it.
    pub condition: Condition,
    /// Attempts of the window.
    pub attempts: i64,
    /// Those that were answered 2xx.
    pub successes: i64,
    /// 95 of 100 took no longer, in milliseconds; absent when there were none.
    pub p95_ms: Option<i32>,
    /// Deliveries that are due and not under way.
    pub due: i64,
    /// Since when the oldest of them is.
    pub oldest_due_at: Option<Timestamp>,
    /// Deliveries that wait for their time, or are under way.
    pub waiting: i64,
    /// Deliveries of which all attempts failed.
    pub exhausted: i64,
    /// The database's clock.
    pub now: Timestamp,
}

/// A publisher's bounds; `None` when the tenant has no such publisher.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn limits(
    connection: &mut AsyncPgConnection,
    (tenant, publisher): PublisherKey,
) -> QueryResult<Option<Limits>> {
    let select = sql_query(
        "SELECT max_concurrency, max_per_second FROM publishers WHERE tenant_id = $1 AND publisher_id = $2",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(publisher.as_uuid());
    let row: Option<LimitsRow> = kept(select).get_result(connection).await.optional()?;
    Ok(row.map(|row| Limits { max_concurrency: row.max_concurrency, max_per_second: row.max_per_second }))
}

/// Its endpoints, those that are switched on first.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn endpoints(
    connection: &mut AsyncPgConnection,
    (tenant, publisher): PublisherKey,
) -> QueryResult<Vec<EndpointHealth>> {
    let select = sql_query(
        "SELECT endpoints.endpoint_id, active, coalesce(failures, 0) AS failures, open_until,
            coalesce(failed_probes, 0) AS failed_probes, coalesce(probing, false) AS probing,
            coalesce(gone, 0) AS gone, paused_at, lately.attempts, lately.successes, lately.p95_ms, due.count AS due,
            due.oldest_at, later.count + due.under_way AS waiting, exhausted.count AS exhausted, now() AS moment
        FROM postback_endpoints AS endpoints
        LEFT JOIN endpoint_conditions AS conditions
            ON conditions.tenant_id = endpoints.tenant_id AND conditions.endpoint_id = endpoints.endpoint_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS attempts, count(*) FILTER (WHERE http_status BETWEEN 200 AND 299) AS successes,
                percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95_ms
            FROM (
                SELECT http_status, duration_ms FROM delivery_attempts AS attempts
                WHERE attempts.tenant_id = endpoints.tenant_id AND attempts.endpoint_id = endpoints.endpoint_id
                    AND started_at > now() - make_interval(secs => $3)
                    -- A fault of ours, or an endpoint that is off, was no call: no header was sent.
                    AND headers <> ''
                ORDER BY started_at DESC LIMIT $4
            ) AS newest
        ) AS lately
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE NOT is_leased) AS count, count(*) FILTER (WHERE is_leased) AS under_way,
                min(due_at) FILTER (WHERE NOT is_leased) AS oldest_at
            FROM (
                SELECT due_at, coalesce(leased_until, '-infinity') > now() AS is_leased FROM deliveries
                WHERE deliveries.tenant_id = endpoints.tenant_id AND deliveries.endpoint_id = endpoints.endpoint_id
                    AND state = 'waiting' AND due_at <= now()
                ORDER BY due_at LIMIT $5
            ) AS first
        ) AS due
        CROSS JOIN LATERAL (
            SELECT count(*) AS count FROM (
                SELECT FROM deliveries
                WHERE deliveries.tenant_id = endpoints.tenant_id AND deliveries.endpoint_id = endpoints.endpoint_id
                    AND state = 'waiting' AND due_at > now()
                LIMIT $5
            ) AS first
        ) AS later
        CROSS JOIN LATERAL (
            SELECT count(*) AS count FROM (
                SELECT FROM deliveries
                WHERE deliveries.tenant_id = endpoints.tenant_id AND deliveries.endpoint_id = endpoints.endpoint_id
                    AND state = 'exhausted'
                LIMIT $5
            ) AS first
        ) AS exhausted
        WHERE endpoints.tenant_id = $1 AND endpoints.publisher_id = $2
        ORDER BY active DESC, endpoints.endpoint_id",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(publisher.as_uuid())
    .bind::<diesel::sql_types::Double, _>(f64::from(WINDOW_SECONDS))
    .bind::<BigInt, _>(ATTEMPTS_MAX)
    .bind::<BigInt, _>(COUNTED_MAX);
    let rows: Vec<Row> = kept(select).load(connection).await?;
    Ok(rows.into_iter().map(EndpointHealth::from).collect())
}

#[derive(QueryableByName)]
struct LimitsRow {
    #[diesel(sql_type = Nullable<Integer>)]
    max_concurrency: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    max_per_second: Option<i32>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    endpoint_id: Uuid,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(embed)]
    columns: Columns,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = BigInt)]
    successes: i64,
    #[diesel(sql_type = Nullable<Integer>)]
    p95_ms: Option<i32>,
    #[diesel(sql_type = BigInt)]
    due: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest_at: Option<Moment>,
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = BigInt)]
    exhausted: i64,
    #[diesel(sql_type = Timestamptz)]
    moment: Moment,
}

impl From<Row> for EndpointHealth {
    fn from(row: Row) -> Self {
        Self {
            endpoint: EndpointId::from_uuid(row.endpoint_id),
            active: row.active,
            condition: row.columns.condition(),
            attempts: row.attempts,
            successes: row.successes,
            p95_ms: row.p95_ms,
            due: row.due,
            oldest_due_at: row.oldest_at.map(from_sql),
            waiting: row.waiting,
            exhausted: row.exhausted,
            now: from_sql(row.moment),
        }
    }
}
