//! What payout says of a journey's conversions, beside attribution's own verdicts.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{get_journey::ConversionBody, written_sql};
use crate::flows::{DeliveryStory, PayoutStory, PersonStory, StatusStory};

/// Where payout stands on a conversion.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the fields of the fact")]
#[schema(example = json!({
    "status": "success", "statusRevision": 1, "onReview": false, "flagged": false, "reversed": false, "unpaid": false,
    "reasonCode": "", "reason": "", "changedAt": "2026-12-02T10:15:30.500000Z"
}))]
pub struct StatusBody {
    /// `pending`, `success` or `rejected`.
    pub status: String,
    /// Counts payout's changes.
    pub status_revision: i64,
    /// Pending, and not released by time.
    pub on_review: bool,
    /// Success, and fraud was reported after its release.
    pub flagged: bool,
    /// Rejected after it had been Success.
    pub reversed: bool,
    /// Accepted above a limit, without money.
    pub unpaid: bool,
    /// Why, stable; empty for a plain Success or Pending.
    pub reason_code: String,
    /// Why, for people.
    pub reason: String,
    /// When it changed.
    pub changed_at: String,
}

/// How the telling of a status to a publisher's endpoint ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "deliveryId": "0198d003-0a10-7c20-8d00-7e2f9b1c6a53", "endpointId": "0193a1f0-0000-7000-8000-000000000003",
    "statusRevision": 1, "result": "delivered", "attempts": 1, "lastHttpStatus": 200,
    "endedAt": "2026-12-02T10:15:31.000000Z"
}))]
pub struct DeliveryBody {
    /// The delivery's id.
    pub delivery_id: Uuid,
    /// The publisher's endpoint.
    pub endpoint_id: Uuid,
    /// The status that was told.
    pub status_revision: i64,
    /// `delivered`, `exhausted`, `superseded` or `stopped`.
    pub result: String,
    /// How often it was tried.
    pub attempts: i32,
    /// The last answer's status; absent when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_http_status: Option<i32>,
    /// When it ended.
    pub ended_at: String,
}

/// What a person decided about an occurrence of this journey.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "offerEventId": "0194a3c0-0000-7000-8000-000000000010", "occurrence": "once", "act": "approve", "decidedAt": "2026-12-03T09:00:00.000000Z",
    "reason": "seen with the advertiser"
}))]
pub struct PersonDecisionBody {
    /// The offer event.
    pub offer_event_id: Uuid,
    /// Which repeat: `once`, `id:…` or `at:…`.
    pub occurrence: String,
    /// `approve`, `reject`, `restore` or `clear_review`; the latest of an occurrence counts.
    pub act: String,
    /// When.
    pub decided_at: String,
    /// Who: the person's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<Uuid>,
    /// What the person wrote, or empty.
    pub reason: String,
}

/// Gives each conversion what payout says of it; the rest are people's decisions, the latest first.
pub(super) fn join(conversions: &mut [ConversionBody], story: PayoutStory) -> Vec<PersonDecisionBody> {
    for status in story.statuses {
        let id = status.conversion_id;
        if let Some(conversion) = conversions.iter_mut().find(|one| one.conversion_id == id) {
            conversion.payout = Some(StatusBody::from(status));
        }
    }
    for delivery in story.deliveries {
        let id = delivery.conversion_id;
        if let Some(conversion) = conversions.iter_mut().find(|one| one.conversion_id == id) {
            conversion.deliveries.push(DeliveryBody::from(delivery));
        }
    }
    story.decisions.into_iter().map(PersonDecisionBody::from).collect()
}

impl From<StatusStory> for StatusBody {
    fn from(story: StatusStory) -> Self {
        Self {
            status: story.status,
            status_revision: story.status_revision,
            on_review: story.on_review,
            flagged: story.flagged,
            reversed: story.reversed,
            unpaid: story.unpaid,
            reason_code: story.reason_code,
            reason: story.reason,
            changed_at: written_sql(story.changed_at),
        }
    }
}

impl From<DeliveryStory> for DeliveryBody {
    fn from(story: DeliveryStory) -> Self {
        Self {
            delivery_id: story.delivery_id,
            endpoint_id: story.endpoint_id,
            status_revision: story.status_revision,
            result: story.result,
            attempts: story.attempts,
            last_http_status: story.last_http_status,
            ended_at: written_sql(story.ended_at),
        }
    }
}

impl From<PersonStory> for PersonDecisionBody {
    fn from(story: PersonStory) -> Self {
        Self {
            offer_event_id: story.offer_event_id,
            occurrence: story.occurrence,
            act: story.act,
            decided_at: written_sql(story.decided_at),
            token_id: story.token_id,
            reason: story.reason,
        }
    }
}
