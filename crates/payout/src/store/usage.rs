//! What was counted against the limits of offers.

use chrono::NaiveDate;
use diesel::{
    QueryResult, QueryableByName,
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_query,
    sql_types::{Array, BigInt, Date, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{Currency, OfferEventId, OfferId, PublisherId, TenantId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::{
    column::{column, currency_from_sql},
    words,
};
use crate::domain::limits::{Counter, Delta, OfferKey, Period, Usage};

/// These counters as they stand.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn load(mut connection: &AsyncPgConnection, counters: &[Counter]) -> QueryResult<Usage> {
    let select = sql_query(
        "SELECT usage.* FROM limit_usage AS usage
        JOIN unnest($1, $2, $3, $4, $5, $6) AS wanted (
            tenant_id, offer_id, offer_event_id, publisher_id, period, begins_on)
            ON usage.tenant_id = wanted.tenant_id AND usage.offer_id = wanted.offer_id
            AND usage.offer_event_id = wanted.offer_event_id AND usage.publisher_id = wanted.publisher_id
            AND usage.period = wanted.period AND usage.begins_on = wanted.begins_on",
    )
    .bind::<Array<SqlUuid>, _>(column(counters, |counter| counter.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(counters, |counter| counter.offer.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(counters, event))
    .bind::<Array<SqlUuid>, _>(column(counters, publisher))
    .bind::<Array<Text>, _>(column(counters, |counter| counter.period.word()))
    .bind::<Array<Date>, _>(column(counters, |counter| counter.begins));
    let rows: Vec<Row> = kept(select).load(&mut connection).await?;
    usage(rows)
}

/// Every counter of an offer for the periods that `now` lies in.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn present(
    connection: &mut AsyncPgConnection,
    (tenant, offer): OfferKey,
    now: Timestamp,
) -> QueryResult<Usage> {
    let select = sql_query(
        "SELECT usage.* FROM limit_usage AS usage
        JOIN unnest($3, $4) AS wanted (period, begins_on)
            ON usage.period = wanted.period AND usage.begins_on = wanted.begins_on
        WHERE tenant_id = $1 AND offer_id = $2",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(offer.as_uuid())
    .bind::<Array<Text>, _>(column(&Period::ALL, |period| period.word()))
    .bind::<Array<Date>, _>(column(&Period::ALL, |period| period.begins(now)));
    let rows: Vec<Row> = kept(select).load(connection).await?;
    usage(rows)
}

/// Adds to counters, in their order; one that is not there begins with 0, but for those beyond the horizon: they may have been
/// removed, and stay so.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(mut connection: &AsyncPgConnection, rows: &[(Counter, Currency, Delta)]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let insert = sql_query(
        "INSERT INTO limit_usage (
            tenant_id, offer_id, offer_event_id, publisher_id, period, begins_on, currency, conversions, revenue_micros)
        SELECT added.*, 0, 0
        FROM unnest($1, $2, $3, $4, $5, $6, $7) AS added (
            tenant_id, offer_id, offer_event_id, publisher_id, period, begins_on, currency)
        CROSS JOIN limit_usage_horizon AS horizon
        WHERE limit_period_ends_on(added.period, added.begins_on) > horizon.kept_from
            OR added.period = 'all_time'
        ON CONFLICT DO NOTHING",
    );
    kept(named(insert.into_boxed(), rows)).execute(&mut connection).await?;
    let update = sql_query(
        "UPDATE limit_usage AS usage SET
            conversions = usage.conversions + added.conversions,
            revenue_micros = usage.revenue_micros + added.revenue_micros
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS added (
            tenant_id, offer_id, offer_event_id, publisher_id, period, begins_on, currency, conversions, revenue_micros)
        WHERE usage.tenant_id = added.tenant_id AND usage.offer_id = added.offer_id
            AND usage.offer_event_id = added.offer_event_id AND usage.publisher_id = added.publisher_id
            AND usage.period = added.period AND usage.begins_on = added.begins_on
            AND usage.currency = added.currency",
    );
    let update = named(update.into_boxed(), rows)
        .bind::<Array<BigInt>, _>(column(rows, |(.., delta)| delta.conversions))
        .bind::<Array<BigInt>, _>(column(rows, |(.., delta)| delta.revenue));
    kept(update).execute(&mut connection).await.map(drop)
}

type Boxed = BoxedSqlQuery<'static, Pg, SqlQuery>;

fn named(query: Boxed, rows: &[(Counter, Currency, Delta)]) -> Boxed {
    query
        .bind::<Array<SqlUuid>, _>(column(rows, |(counter, ..)| counter.tenant.as_uuid()))
        .bind::<Array<SqlUuid>, _>(column(rows, |(counter, ..)| counter.offer.as_uuid()))
        .bind::<Array<SqlUuid>, _>(column(rows, |(counter, ..)| event(counter)))
        .bind::<Array<SqlUuid>, _>(column(rows, |(counter, ..)| publisher(counter)))
        .bind::<Array<Text>, _>(column(rows, |(counter, ..)| counter.period.word()))
        .bind::<Array<Date>, _>(column(rows, |(counter, ..)| counter.begins))
        .bind::<Array<Text>, _>(column(rows, |(_, currency, _)| currency.to_string()))
}

fn event(counter: &Counter) -> Uuid {
    words::or_nil(counter.event.map(OfferEventId::as_uuid))
}

fn publisher(counter: &Counter) -> Uuid {
    words::or_nil(counter.publisher.map(PublisherId::as_uuid))
}

fn usage(rows: Vec<Row>) -> QueryResult<Usage> {
    let mut usage = Usage::default();
    for row in rows {
        let counter = Counter {
            tenant: TenantId::from_uuid(row.tenant_id),
            offer: OfferId::from_uuid(row.offer_id),
            event: words::not_nil(row.offer_event_id).map(OfferEventId::from_uuid),
            publisher: words::not_nil(row.publisher_id).map(PublisherId::from_uuid),
            period: words::read_period(&row.period)?,
            begins: row.begins_on,
        };
        let sums = Delta { conversions: row.conversions, revenue: row.revenue_micros };
        usage.add(counter, currency_from_sql(&row.currency)?, sums);
    }
    Ok(usage)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_event_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    publisher_id: Uuid,
    #[diesel(sql_type = Text)]
    period: String,
    #[diesel(sql_type = Date)]
    begins_on: NaiveDate,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = BigInt)]
    conversions: i64,
    #[diesel(sql_type = BigInt)]
    revenue_micros: i64,
}
