//! The delivery log: tellings, newest first, and one of them with its attempts.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, DeliveryId, EndpointId, PublisherId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::{
    column::{Moment, to_sql},
    read::{AttemptRow, Scope},
    waits_for::waits_for,
};

/// Beyond this a total is "at least": counting on would slow down who only wants the first page.
pub const COUNTED_MAX: i64 = 10_000;

/// A place in the log: behind it a page begins.
pub type LogPlace = (Timestamp, DeliveryId);

/// Which deliveries.
#[derive(Debug, Clone, Copy)]
pub struct LogFilter {
    /// Of one conversion.
    pub conversion: Option<ConversionId>,
    /// To one endpoint.
    pub endpoint: Option<EndpointId>,
    /// In one state, by its word.
    pub state: Option<&'static str>,
    /// Whose status changed from then on.
    pub from: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
    /// Behind this one.
    pub after: Option<LogPlace>,
    /// At most.
    pub limit: i64,
}

/// One telling.
#[derive(Debug, Clone, QueryableByName)]
pub struct LogRow {
    #[diesel(sql_type = SqlUuid)]
    pub delivery_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub conversion_id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub status_revision: i64,
    #[diesel(sql_type = SqlUuid)]
    pub publisher_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub endpoint_id: Uuid,
    #[diesel(sql_type = Text)]
    pub told: String,
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub replay_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub superseded_by: Option<i64>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub last_http_status: Option<i32>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub due_at: Option<Moment>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Moment,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<Moment>,
    /// Of AppsFlyer's call; empty when it came without.
    #[diesel(sql_type = Text)]
    pub traceparent: String,
    /// What it waits for, by its word; nothing when it has ended.
    #[diesel(sql_type = Nullable<Text>)]
    pub waits_for: Option<String>,
}

// Of each endpoint the newest in each state, by their index and nothing else; then the newest of all of them, of which alone the rows
// are read. A delivery's publisher is its endpoint's, and no endpoint is ever taken out of its table.
macro_rules! of_endpoints {
    ($select:literal, $behind:literal) => {
        concat!(
            "FROM postback_endpoints AS endpoints
            CROSS JOIN (VALUES ('waiting'), ('delivered'), ('exhausted'), ('superseded'), ('stopped')) AS wanted (state)
            CROSS JOIN LATERAL (
                SELECT ",
            $select,
            " FROM deliveries
                WHERE deliveries.tenant_id = endpoints.tenant_id AND deliveries.endpoint_id = endpoints.endpoint_id
                    AND deliveries.state = wanted.state
                    AND created_at >= coalesce($5, '-infinity') AND created_at < coalesce($6, 'infinity')
                    AND $7::uuid IS NULL ",
            $behind,
            ") AS found
            WHERE endpoints.tenant_id = $1 AND ($2 IS NULL OR endpoints.publisher_id = $2)
                AND ($3 IS NULL OR endpoints.endpoint_id = $3) AND ($4 IS NULL OR wanted.state = $4)"
        )
    };
}

macro_rules! of_conversion {
    ($select:literal, $behind:literal) => {
        concat!(
            "FROM (
                SELECT ",
            $select,
            " FROM deliveries
                WHERE tenant_id = $1 AND conversion_id = $7 AND ($2 IS NULL OR publisher_id = $2)
                    AND ($3 IS NULL OR endpoint_id = $3) AND ($4 IS NULL OR state = $4)
                    AND created_at >= coalesce($5, '-infinity') AND created_at < coalesce($6, 'infinity') ",
            $behind,
            ") AS found"
        )
    };
}

// What is counted is counted in the order of the index, too, although it is all the same in which: where statistics know of one endpoint and
// one state only, everything looks like what is asked for, and the whole table would be read for each endpoint and state that has nothing.
macro_rules! texts {
    ($found:ident) => {
        (
            concat!(
                "SELECT found.*, (
                    SELECT traceparent FROM conversions
                    WHERE conversions.tenant_id = found.tenant_id AND conversions.conversion_id = found.conversion_id
                ) AS traceparent, (",
                waits_for!("found"),
                ") AS waits_for
                FROM (SELECT found.tenant_id, found.delivery_id ",
                $found!(
                    "deliveries.tenant_id, delivery_id, created_at",
                    "AND (created_at, delivery_id)
                        < (coalesce($8, 'infinity'), coalesce($9, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
                    ORDER BY created_at DESC, delivery_id DESC LIMIT $10"
                ),
                " ORDER BY found.created_at DESC, found.delivery_id DESC LIMIT $10) AS page
                JOIN deliveries AS found USING (tenant_id, delivery_id)
                ORDER BY found.created_at DESC, found.delivery_id DESC"
            ),
            concat!(
                "SELECT count(*) AS rows FROM (SELECT ",
                $found!("delivery_id", "ORDER BY created_at DESC, delivery_id DESC LIMIT $8"),
                " LIMIT $8) AS counted"
            ),
        )
    };
}

const OF_CONVERSION: (&str, &str) = texts!(of_conversion);
const OF_ENDPOINTS: (&str, &str) = texts!(of_endpoints);

/// A page of deliveries, newest status change first, and how many there are in all, or [`COUNTED_MAX`].
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(
    connection: &mut AsyncPgConnection,
    scope: Scope,
    filter: &LogFilter,
) -> QueryResult<(Vec<LogRow>, u64)> {
    let (page, total) = if filter.conversion.is_some() { OF_CONVERSION } else { OF_ENDPOINTS };
    let page = sql_query(page)
        .bind::<SqlUuid, _>(scope.tenant.as_uuid())
        .bind::<Nullable<SqlUuid>, _>(scope.publisher.map(PublisherId::as_uuid))
        .bind::<Nullable<SqlUuid>, _>(filter.endpoint.map(EndpointId::as_uuid))
        .bind::<Nullable<Text>, _>(filter.state)
        .bind::<Nullable<Timestamptz>, _>(filter.from.map(to_sql))
        .bind::<Nullable<Timestamptz>, _>(filter.until.map(to_sql))
        .bind::<Nullable<SqlUuid>, _>(filter.conversion.map(ConversionId::as_uuid))
        .bind::<Nullable<Timestamptz>, _>(filter.after.map(|(created, _)| to_sql(created)))
        .bind::<Nullable<SqlUuid>, _>(filter.after.map(|(_, id)| id.as_uuid()))
        .bind::<BigInt, _>(filter.limit);
    let rows = kept(page).load(connection).await?;
    let total = sql_query(total)
        .bind::<SqlUuid, _>(scope.tenant.as_uuid())
        .bind::<Nullable<SqlUuid>, _>(scope.publisher.map(PublisherId::as_uuid))
        .bind::<Nullable<SqlUuid>, _>(filter.endpoint.map(EndpointId::as_uuid))
        .bind::<Nullable<Text>, _>(filter.state)
        .bind::<Nullable<Timestamptz>, _>(filter.from.map(to_sql))
        .bind::<Nullable<Timestamptz>, _>(filter.until.map(to_sql))
        .bind::<Nullable<SqlUuid>, _>(filter.conversion.map(ConversionId::as_uuid))
        .bind::<BigInt, _>(COUNTED_MAX);
    let total: CountRow = kept(total).get_result(connection).await?;
    Ok((rows, u64::try_from(total.rows).unwrap_or_default()))
}

/// One telling with its attempts, the first one first; nothing when the caller may not know of it.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn get(
    connection: &mut AsyncPgConnection,
    scope: Scope,
    delivery: DeliveryId,
) -> QueryResult<Option<(LogRow, Vec<AttemptRow>)>> {
    let select = sql_query(concat!(
        "SELECT deliveries.*, conversions.traceparent, (",
        waits_for!("deliveries"),
        ") AS waits_for FROM deliveries JOIN conversions USING (tenant_id, conversion_id)
        WHERE tenant_id = $1 AND delivery_id = $2 AND ($3 IS NULL OR deliveries.publisher_id = $3)"
    ))
    .bind::<SqlUuid, _>(scope.tenant.as_uuid())
    .bind::<SqlUuid, _>(delivery.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(scope.publisher.map(PublisherId::as_uuid));
    let rows: Vec<LogRow> = kept(select).load(connection).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    let select = sql_query(
        "SELECT * FROM delivery_attempts WHERE tenant_id = $1 AND delivery_id = $2 ORDER BY number",
    )
    .bind::<SqlUuid, _>(scope.tenant.as_uuid())
    .bind::<SqlUuid, _>(delivery.as_uuid());
    Ok(Some((row, kept(select).load(connection).await?)))
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}
