//! Whose work is due, and how much of it may be sent: the token buckets of publishers and their endpoints' conditions.
//!
//! A publisher's row is locked from here to the end of the claim, so replicas share its bucket exactly and never send two
//! probes to one endpoint. Locks are taken in the order of keys.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, Bool, Double, Integer, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{EndpointId, PublisherId, TenantId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::{
    column::{Moment, column, from_sql, to_sql},
    deliveries::PublisherKey,
    endpoint_conditions::Columns,
};
use crate::domain::delivery::{Bucket, Condition};

/// A publisher with due work.
#[derive(Debug, Clone, Copy)]
pub struct DuePublisher {
    /// Which.
    pub key: PublisherKey,
    /// Deliveries at a time; absent: the setting's.
    pub max_concurrency: Option<i32>,
    /// Deliveries a second; absent: the setting's.
    pub max_per_second: Option<i32>,
    /// What is left of it.
    pub bucket: Bucket,
    /// The database's clock.
    pub now: Timestamp,
}

/// Locks every publisher that has due work, one look into an index for each of its endpoints: how much work there is makes no
/// difference. What is under way, which is little, is passed over.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_due(mut connection: &AsyncPgConnection) -> QueryResult<Vec<DuePublisher>> {
    let lock = sql_query(
        "SELECT publishers.tenant_id, publishers.publisher_id, max_concurrency, max_per_second, bucket_empty_at,
            now() AS moment
        FROM publishers
        WHERE EXISTS (
            SELECT FROM postback_endpoints AS endpoints
            CROSS JOIN LATERAL (
                SELECT FROM deliveries
                WHERE deliveries.tenant_id = endpoints.tenant_id AND deliveries.endpoint_id = endpoints.endpoint_id
                    AND state = 'waiting' AND due_at <= now() AND coalesce(leased_until, '-infinity') <= now()
                ORDER BY due_at
                LIMIT 1
            ) AS due
            WHERE endpoints.tenant_id = publishers.tenant_id AND endpoints.publisher_id = publishers.publisher_id
        )
        ORDER BY publishers.tenant_id, publishers.publisher_id
        FOR NO KEY UPDATE OF publishers",
    );
    let rows: Vec<DueRow> = kept(lock).load(&mut connection).await?;
    Ok(rows.into_iter().map(DuePublisher::from).collect())
}

/// An endpoint of a publisher with due work.
#[derive(Debug, Clone, Copy)]
pub struct DueEndpoint {
    /// Whose.
    pub publisher: PublisherKey,
    /// Which.
    pub endpoint: EndpointId,
    /// Whether it is to be called at all.
    pub active: bool,
    /// Whether it is not, and something of its is due: that ends.
    pub is_ending: bool,
    /// Whether something of its has been due for longer than was asked about.
    pub is_overdue: bool,
    /// What its answers say of it.
    pub condition: Condition,
}

/// All endpoints of these publishers, and whether something has been due at them for so many seconds. A statement of its own: it sees what was committed while this one waited for the lock.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn endpoints_of(
    mut connection: &AsyncPgConnection,
    publishers: &[PublisherKey],
    overdue_seconds: u32,
) -> QueryResult<Vec<DueEndpoint>> {
    let select = sql_query(
        "SELECT endpoints.tenant_id, endpoints.publisher_id, endpoints.endpoint_id, active,
            CASE WHEN active THEN false ELSE EXISTS (
                SELECT FROM deliveries
                WHERE deliveries.tenant_id = endpoints.tenant_id AND deliveries.endpoint_id = endpoints.endpoint_id
                    AND state = 'waiting' AND due_at <= now() AND coalesce(leased_until, '-infinity') <= now()
            ) END AS is_ending,
            EXISTS (
                SELECT FROM deliveries
                WHERE deliveries.tenant_id = endpoints.tenant_id AND deliveries.endpoint_id = endpoints.endpoint_id
                    AND state = 'waiting' AND due_at <= now() - make_interval(secs => $3)
            ) AS is_overdue,
            coalesce(failures, 0) AS failures, open_until, coalesce(failed_probes, 0) AS failed_probes,
            coalesce(probing, false) AS probing, coalesce(gone, 0) AS gone, paused_at
        FROM postback_endpoints AS endpoints
        JOIN unnest($1, $2) AS wanted (tenant_id, publisher_id) USING (tenant_id, publisher_id)
        LEFT JOIN endpoint_conditions AS conditions
            ON conditions.tenant_id = endpoints.tenant_id AND conditions.endpoint_id = endpoints.endpoint_id",
    )
    .bind::<Array<SqlUuid>, _>(column(publishers, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(publishers, |(_, publisher)| publisher.as_uuid()))
    .bind::<Double, _>(f64::from(overdue_seconds));
    let rows: Vec<EndpointRow> = kept(select).load(&mut connection).await?;
    Ok(rows.into_iter().map(DueEndpoint::from).collect())
}

/// Writes the buckets of publishers that are locked.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn save_buckets(
    mut connection: &AsyncPgConnection,
    buckets: &[(PublisherKey, Bucket)],
) -> QueryResult<()> {
    let update = sql_query(
        "UPDATE publishers SET bucket_empty_at = new.empty_at
        FROM unnest($1, $2, $3) AS new (tenant_id, publisher_id, empty_at)
        WHERE publishers.tenant_id = new.tenant_id AND publishers.publisher_id = new.publisher_id",
    )
    .bind::<Array<SqlUuid>, _>(column(buckets, |((tenant, _), _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(buckets, |((_, publisher), _)| publisher.as_uuid()))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(buckets, |(_, bucket)| bucket.empty_at.map(to_sql)));
    kept(update).execute(&mut connection).await.map(drop)
}

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    publisher_id: Uuid,
    #[diesel(sql_type = Nullable<Integer>)]
    max_concurrency: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    max_per_second: Option<i32>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    bucket_empty_at: Option<Moment>,
    #[diesel(sql_type = Timestamptz)]
    moment: Moment,
}

impl From<DueRow> for DuePublisher {
    fn from(row: DueRow) -> Self {
        Self {
            key: (TenantId::from_uuid(row.tenant_id), PublisherId::from_uuid(row.publisher_id)),
            max_concurrency: row.max_concurrency,
            max_per_second: row.max_per_second,
            bucket: Bucket { empty_at: row.bucket_empty_at.map(from_sql) },
            now: from_sql(row.moment),
        }
    }
}

#[derive(QueryableByName)]
struct EndpointRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    publisher_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    endpoint_id: Uuid,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Bool)]
    is_ending: bool,
    #[diesel(sql_type = Bool)]
    is_overdue: bool,
    #[diesel(embed)]
    columns: Columns,
}

impl From<EndpointRow> for DueEndpoint {
    fn from(row: EndpointRow) -> Self {
        Self {
            publisher: (TenantId::from_uuid(row.tenant_id), PublisherId::from_uuid(row.publisher_id)),
            endpoint: EndpointId::from_uuid(row.endpoint_id),
            active: row.active,
            is_ending: row.is_ending,
            is_overdue: row.is_overdue,
            condition: row.columns.condition(),
        }
    }
}
