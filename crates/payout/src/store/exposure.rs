//! What is reserved and when it matures, and what became of such conversions before.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{OfferId, PublisherId, TenantId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::column::{column, to_sql};

/// Pending conversions of one publisher, offer, day and currency.
#[derive(Debug, Clone, QueryableByName)]
pub struct PendingRow {
    #[diesel(sql_type = SqlUuid)]
    pub publisher_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub offer_id: Uuid,
    /// How many days have begun by then, of those that were named; absent for what time does not release.
    #[diesel(sql_type = Nullable<Integer>)]
    pub days_begun: Option<i32>,
    #[diesel(sql_type = Text)]
    pub currency: String,
    #[diesel(sql_type = BigInt)]
    pub pending: i64,
    #[diesel(sql_type = BigInt)]
    pub payout_micros: i64,
    #[diesel(sql_type = BigInt)]
    pub revenue_micros: i64,
    /// Of how many rows this is one.
    #[diesel(sql_type = BigInt)]
    pub total: i64,
}

/// A page of what is Pending, soonest first, by days that begin at `days`, in their order: the database knows other zones
/// than our tables.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn pending(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    days: &[Timestamp],
    (publisher, offer): (Option<PublisherId>, Option<OfferId>),
    (offset, limit): (i64, i64),
) -> QueryResult<Vec<PendingRow>> {
    let select = sql_query(
        "SELECT publisher_id, offer_id,
            CASE status WHEN 'pending' THEN width_bucket(hold_ends_at, $2) END AS days_begun, currency,
            count(*) AS pending, sum(payout_micros)::bigint AS payout_micros,
            sum(revenue_micros)::bigint AS revenue_micros, count(*) OVER () AS total
        FROM conversions
        WHERE tenant_id = $1 AND status IN ('pending', 'on_review') AND books = 'reserved'
            AND ($3 IS NULL OR publisher_id = $3) AND ($4 IS NULL OR offer_id = $4)
        GROUP BY 1, 2, 3, 4
        ORDER BY 3 NULLS LAST, 1, 2, 4 OFFSET $5 LIMIT $6",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Array<Timestamptz>, _>(column(days, |begins| to_sql(*begins)))
    .bind::<Nullable<SqlUuid>, _>(publisher.map(PublisherId::as_uuid))
    .bind::<Nullable<SqlUuid>, _>(offer.map(OfferId::as_uuid))
    .bind::<BigInt, _>(offset)
    .bind::<BigInt, _>(limit);
    kept(select).load(connection).await
}

/// Decided conversions of one offer.
#[derive(Debug, Clone, QueryableByName)]
pub struct DecidedRow {
    #[diesel(sql_type = SqlUuid)]
    pub offer_id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub decided: i64,
    #[diesel(sql_type = BigInt)]
    pub lost: i64,
}

/// What became of conversions whose postbacks came within the last `days`, by offer.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn decided(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    days: i32,
) -> QueryResult<Vec<DecidedRow>> {
    let select = sql_query(
        "SELECT offer_id, count(*) AS decided, count(*) FILTER (WHERE status IN ('rejected', 'reversed')) AS lost
        FROM conversions
        WHERE tenant_id = $1 AND received_at > now() - make_interval(days => $2)
            AND status IN ('success', 'flagged', 'rejected', 'reversed') AND status_by <> 'limit'
        GROUP BY offer_id",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Integer, _>(days);
    kept(select).load(connection).await
}
