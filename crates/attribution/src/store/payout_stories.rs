//! What payout says of one journey, as the API shows it.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, TenantId};
use uuid::Uuid;

/// Everything that payout said of a journey.
#[derive(Debug, Clone, Default)]
pub struct PayoutStory {
    /// The last status of each conversion.
    pub statuses: Vec<StatusStory>,
    /// How the telling of each status ended, the latest first.
    pub deliveries: Vec<DeliveryStory>,
    /// What people decided, the latest first.
    pub decisions: Vec<PersonStory>,
}

/// Where payout stands on a conversion.
#[derive(Debug, Clone, QueryableByName)]
#[expect(clippy::struct_excessive_bools, reason = "the columns of the table")]
pub struct StatusStory {
    /// The conversion.
    #[diesel(sql_type = SqlUuid)]
    pub conversion_id: Uuid,
    /// Payout's own count.
    #[diesel(sql_type = BigInt)]
    pub status_revision: i64,
    /// `pending`, `success` or `rejected`.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// Pending, and not released by time.
    #[diesel(sql_type = Bool)]
    pub on_review: bool,
    /// Success, and fraud was reported after its release.
    #[diesel(sql_type = Bool)]
    pub flagged: bool,
    /// Rejected after it had been Success.
    #[diesel(sql_type = Bool)]
    pub reversed: bool,
    /// Accepted above a limit, without money.
    #[diesel(sql_type = Bool)]
    pub unpaid: bool,
    /// Payout's stable code, or empty.
    #[diesel(sql_type = Text)]
    pub reason_code: String,
    /// Its sentence, or empty.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// When it changed.
    #[diesel(sql_type = Timestamptz)]
    pub changed_at: DateTime<Utc>,
}

/// How the telling of a status to an endpoint ended.
#[derive(Debug, Clone, QueryableByName)]
pub struct DeliveryStory {
    /// The conversion.
    #[diesel(sql_type = SqlUuid)]
    pub conversion_id: Uuid,
    /// The delivery.
    #[diesel(sql_type = SqlUuid)]
    pub delivery_id: Uuid,
    /// The status that was told.
    #[diesel(sql_type = BigInt)]
    pub status_revision: i64,
    /// To whom.
    #[diesel(sql_type = SqlUuid)]
    pub endpoint_id: Uuid,
    /// `delivered`, `exhausted`, `superseded` or `stopped`.
    #[diesel(sql_type = Text)]
    pub result: String,
    /// How often it was tried.
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    /// The last answer's status.
    #[diesel(sql_type = Nullable<Integer>)]
    pub last_http_status: Option<i32>,
    /// When it ended.
    #[diesel(sql_type = Timestamptz)]
    pub ended_at: DateTime<Utc>,
}

/// What a person decided.
#[derive(Debug, Clone, QueryableByName)]
pub struct PersonStory {
    /// The offer event.
    #[diesel(sql_type = SqlUuid)]
    pub offer_event_id: Uuid,
    /// The occurrence.
    #[diesel(sql_type = Text)]
    pub occurrence: String,
    /// `approve`, `reject`, `restore` or `clear_review`.
    #[diesel(sql_type = Text)]
    pub act: String,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub decided_at: DateTime<Utc>,
    /// The person's token.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub token_id: Option<Uuid>,
    /// What the person wrote, or empty.
    #[diesel(sql_type = Text)]
    pub reason: String,
}

/// What payout said of a journey.
///
/// # Errors
/// The database's.
pub async fn of_journey(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    click: ClickId,
) -> QueryResult<PayoutStory> {
    let statuses = sql_query(
        "SELECT conversion_id, status_revision, status, on_review, flagged, reversed, unpaid, reason_code, reason,
            changed_at
        FROM conversion_statuses WHERE tenant_id = $1 AND click_id = $2 ORDER BY conversion_id",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(click.as_uuid())
    .load(connection)
    .await?;
    // The fact of a delivery does not name the click: through the conversions of either side.
    let deliveries = sql_query(
        "SELECT conversion_id, delivery_id, status_revision, endpoint_id, result, attempts, last_http_status, ended_at
        FROM delivery_outcomes
        WHERE tenant_id = $1 AND conversion_id IN (
            SELECT conversion_id FROM conversions WHERE tenant_id = $1 AND click_id = $2
            UNION SELECT conversion_id FROM conversion_statuses WHERE tenant_id = $1 AND click_id = $2
        )
        ORDER BY ended_at DESC, delivery_id",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(click.as_uuid())
    .load(connection)
    .await?;
    let decisions = sql_query(
        "SELECT offer_event_id, occurrence, act, decided_at, token_id, reason
        FROM people_decisions WHERE tenant_id = $1 AND click_id = $2 ORDER BY decided_at DESC, fact_id DESC",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(click.as_uuid())
    .load(connection)
    .await?;
    Ok(PayoutStory { statuses, deliveries, decisions })
}
