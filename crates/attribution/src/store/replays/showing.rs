//! Replays for the API.

use chrono::{DateTime, Utc};
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::TenantId;
use postgres_kit::kept;
use uuid::Uuid;

/// An order, and how far it is.
#[derive(Debug, Clone, QueryableByName)]
pub struct Shown {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub replay_id: Uuid,
    /// When it was given.
    #[diesel(sql_type = Timestamptz)]
    pub ordered_at: DateTime<Utc>,
    /// Writes nothing but its report.
    #[diesel(sql_type = Bool)]
    pub dry_run: bool,
    /// The kind of terms.
    #[diesel(sql_type = Text)]
    pub terms: String,
    /// The version.
    #[diesel(sql_type = Nullable<Integer>)]
    pub version: Option<i32>,
    /// Of this offer.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub offer_id: Option<Uuid>,
    /// Of this publisher only.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub publisher_id: Option<Uuid>,
    /// With this Event ID only.
    #[diesel(sql_type = Nullable<Text>)]
    pub event_id: Option<String>,
    /// Decided so only.
    #[diesel(sql_type = Nullable<Text>)]
    pub code: Option<String>,
    /// The period of receipt.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub received_from: Option<DateTime<Utc>>,
    /// Its end.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub received_until: Option<DateTime<Utc>>,
    /// The clicks that were named.
    #[diesel(sql_type = Nullable<Array<SqlUuid>>)]
    pub clicks: Option<Vec<Uuid>>,
    /// When it was known which journeys it is about.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub selected_at: Option<DateTime<Utc>>,
    /// How many they are.
    #[diesel(sql_type = BigInt)]
    pub selected: i64,
    /// How many are done.
    #[diesel(sql_type = BigInt)]
    pub judged: i64,
    /// How many of them could not be read.
    #[diesel(sql_type = BigInt)]
    pub passed_over: i64,
    /// When all were done.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it will never be.
    #[diesel(sql_type = Nullable<Text>)]
    pub failure: Option<String>,
}

/// An order; none when the tenant has none of that id.
///
/// # Errors
/// The database's.
pub async fn get(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    id: Uuid,
) -> QueryResult<Option<Shown>> {
    let select = sql_query(
        "SELECT replay_id, ordered_at, dry_run, terms, version, offer_id, publisher_id, event_id, code, received_from,
            received_until, clicks, selected_at, selected, judged, passed_over, finished_at, failure
        FROM replays WHERE tenant_id = $1 AND replay_id = $2",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(id);
    kept(select).get_result(connection).await.optional()
}

/// A page of a tenant's orders, the latest first, and how many there are.
///
/// # Errors
/// The database's.
pub async fn list(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    offset: i64,
    limit: i64,
) -> QueryResult<(Vec<Shown>, i64)> {
    #[derive(QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let select = sql_query(
        "SELECT replay_id, ordered_at, dry_run, terms, version, offer_id, publisher_id, event_id, code, received_from,
            received_until, clicks, selected_at, selected, judged, passed_over, finished_at, failure
        FROM replays WHERE tenant_id = $1 ORDER BY ordered_at DESC, replay_id OFFSET $2 LIMIT $3",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<BigInt, _>(offset)
    .bind::<BigInt, _>(limit);
    let rows = kept(select).load(connection).await?;
    let count = sql_query("SELECT count(*) AS total FROM replays WHERE tenant_id = $1")
        .bind::<SqlUuid, _>(tenant.as_uuid());
    let total: Total = kept(count).get_result(connection).await?;
    Ok((rows, total.total))
}

/// Decisions from code to code, or conversions by effect.
#[derive(Debug, Clone, QueryableByName)]
pub struct Count {
    /// `decision` or `effect`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The code now; of an effect its name.
    #[diesel(sql_type = Text)]
    pub code_from: String,
    /// The code under the chosen terms.
    #[diesel(sql_type = Text)]
    pub code_to: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub lines: i64,
}

/// What differs, counted; the most first.
///
/// # Errors
/// The database's.
pub async fn counts(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    id: Uuid,
) -> QueryResult<Vec<Count>> {
    let select = sql_query(
        "SELECT kind, code_from, code_to, lines FROM replay_counts WHERE tenant_id = $1 AND replay_id = $2
        ORDER BY kind, lines DESC, code_from, code_to",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(id);
    kept(select).load(connection).await
}

/// Money of a publisher at one stage.
#[derive(Debug, Clone, QueryableByName)]
pub struct Sum {
    /// The publisher.
    #[diesel(sql_type = SqlUuid)]
    pub publisher_id: Uuid,
    /// `before`, `under` or `after`.
    #[diesel(sql_type = Text)]
    pub stage: String,
    /// The currency; empty when there is none.
    #[diesel(sql_type = Text)]
    pub currency: String,
    /// Why it is not priced; empty when it is.
    #[diesel(sql_type = Text)]
    pub unpriced: String,
    /// How many conversions.
    #[diesel(sql_type = BigInt)]
    pub conversions: i64,
    /// Micros.
    #[diesel(sql_type = BigInt)]
    pub revenue: i64,
    /// Micros.
    #[diesel(sql_type = BigInt)]
    pub payout: i64,
}

/// Money by publisher, currency and stage.
///
/// # Errors
/// The database's.
pub async fn sums(connection: &mut AsyncPgConnection, tenant: TenantId, id: Uuid) -> QueryResult<Vec<Sum>> {
    // What no bigint holds is no money of anybody's.
    let select = sql_query(
        "SELECT publisher_id, stage, currency, unpriced, conversions,
            least(revenue, 9223372036854775807)::bigint AS revenue, least(payout, 9223372036854775807)::bigint AS payout
        FROM replay_sums WHERE tenant_id = $1 AND replay_id = $2
        ORDER BY publisher_id, currency, unpriced, stage",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(id);
    kept(select).load(connection).await
}

/// A line of what differs.
#[derive(Debug, Clone, QueryableByName)]
pub struct DifferenceLine {
    /// The click.
    #[diesel(sql_type = SqlUuid)]
    pub click_id: Uuid,
    /// Its place within the click.
    #[diesel(sql_type = Integer)]
    pub place: i32,
    /// Whose click.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub publisher_id: Option<Uuid>,
    /// The postback, or who holds the conversion.
    #[diesel(sql_type = SqlUuid)]
    pub receipt: Uuid,
    /// The conversion.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub conversion_id: Option<Uuid>,
    /// The Event ID.
    #[diesel(sql_type = Text)]
    pub event_id: String,
    /// The code now.
    #[diesel(sql_type = Nullable<Text>)]
    pub code_before: Option<String>,
    /// Under the chosen terms alone.
    #[diesel(sql_type = Nullable<Text>)]
    pub code_under: Option<String>,
    /// Once replayed for real.
    #[diesel(sql_type = Nullable<Text>)]
    pub code_after: Option<String>,
    /// What it does to the conversion.
    #[diesel(sql_type = Nullable<Text>)]
    pub effect: Option<String>,
    /// Money now.
    #[diesel(sql_type = Nullable<Text>)]
    pub currency_before: Option<String>,
    /// Micros.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub revenue_before: Option<i64>,
    /// Micros.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub payout_before: Option<i64>,
    /// Money under the chosen terms alone.
    #[diesel(sql_type = Nullable<Text>)]
    pub currency_under: Option<String>,
    /// Micros.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub revenue_under: Option<i64>,
    /// Micros.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub payout_under: Option<i64>,
}

/// The next lines after one.
///
/// # Errors
/// The database's.
pub async fn differences(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    id: Uuid,
    after: (Uuid, i32),
    limit: i64,
) -> QueryResult<Vec<DifferenceLine>> {
    let select = sql_query(
        "SELECT click_id, place, publisher_id, receipt, conversion_id, event_id, code_before, code_under, code_after, effect,
            currency_before, revenue_before, payout_before, currency_under, revenue_under, payout_under
        FROM replay_differences
        WHERE tenant_id = $1 AND replay_id = $2 AND (click_id, place) > ($3, $4)
        ORDER BY click_id, place LIMIT $5",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(after.0)
    .bind::<Integer, _>(after.1)
    .bind::<BigInt, _>(limit);
    kept(select).load(connection).await
}
