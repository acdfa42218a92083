//! Deliveries as the log shows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    flows::read::{AttemptRow, LogRow},
    http::json::{AttemptBody, attempt, moment},
};

/// A state of a delivery by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(example = "exhausted")]
pub enum StateWord {
    /// To be told, or told at this moment.
    Waiting,
    /// The publisher knows.
    Delivered,
    /// All attempts failed.
    Exhausted,
    /// A newer status replaced it.
    Superseded,
    /// The endpoint is gone (410) or switched off.
    Stopped,
}

impl StateWord {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Exhausted => "exhausted",
            Self::Superseded => "superseded",
            Self::Stopped => "stopped",
        }
    }
}

/// One telling of one status to one endpoint.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "deliveryId": "8b1f0c7e-64a0-8f3b-9c55-0f4b8a3c2d1e",
    "webhookId": "0198d001-77aa-7b52-8f11-4b7c2a90e6d3_2_0193a1f0-0000-7000-8000-000000000010",
    "conversionId": "0198d001-77aa-7b52-8f11-4b7c2a90e6d3",
    "statusRevision": 2,
    "publisherId": "0193a1f0-0000-7000-8000-000000000002",
    "endpointId": "0193a1f0-0000-7000-8000-000000000010",
    "told": "success",
    "state": "exhausted",
    "attemptCount": 10,
    "lastHttpStatus": 503,
    "createdAt": "2026-12-02T10:15:31.000Z",
    "endedAt": "2026-12-05T13:51:12.000Z",
    "traceId": "4bf92f3577b34da6a3ce929d0e0e4736"
}))]
pub struct DeliveryLine {
    /// Its id.
    pub delivery_id: Uuid,
    /// The header `webhook-id` of every attempt, also of those of a replay: what a receiver knows repeats by.
    pub webhook_id: String,
    /// Of which conversion.
    pub conversion_id: Uuid,
    /// The change of the conversion that it tells of.
    pub status_revision: i64,
    /// Who is told.
    pub publisher_id: Uuid,
    /// Where.
    pub endpoint_id: Uuid,
    /// `pending`, `success` or `rejected`.
    pub told: String,
    /// `waiting`, `delivered`, `exhausted`, `superseded` or `stopped`.
    pub state: String,
    /// How often it was tried, replays included.
    pub attempt_count: i32,
    /// The last replay that told it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay_id: Option<Uuid>,
    /// The change of the conversion that made it stale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<i64>,
    /// What the last attempt was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_http_status: Option<i32>,
    /// When it is tried next; while an attempt is under way: since when that was due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// What it waits for: `attempt_under_way`, `paused_endpoint`, `open_breaker`, `turn` (it is due: its publisher's rate,
    /// concurrency or other deliveries come first), `retry` (`dueAt`, after an attempt that failed), `earlier_telling` (an older
    /// telling of the conversion is under way there). Absent when it has ended, or is about to: its endpoint is switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// When the status changed.
    pub created_at: String,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// The trace that it belongs to, from AppsFlyer's call to the publisher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl From<LogRow> for DeliveryLine {
    fn from(row: LogRow) -> Self {
        Self {
            delivery_id: row.delivery_id,
            webhook_id: format!("{}_{}_{}", row.conversion_id, row.status_revision, row.endpoint_id),
            conversion_id: row.conversion_id,
            status_revision: row.status_revision,
            publisher_id: row.publisher_id,
            endpoint_id: row.endpoint_id,
            told: row.told,
            state: row.state,
            attempt_count: row.attempts,
            replay_id: row.replay_id,
            superseded_by: row.superseded_by,
            last_http_status: row.last_http_status,
            due_at: row.due_at.map(moment),
            waits_for: row.waits_for,
            created_at: moment(row.created_at),
            ended_at: row.ended_at.map(moment),
            trace_id: trace_id(&row.traceparent),
        }
    }
}

/// A delivery with its attempts.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoggedDeliveryBody {
    /// The delivery.
    #[serde(flatten)]
    pub line: DeliveryLine,
    /// Each attempt, the first one first.
    pub attempts: Vec<AttemptBody>,
}

impl LoggedDeliveryBody {
    pub(super) fn of(row: LogRow, attempts: Vec<AttemptRow>) -> Self {
        Self { line: row.into(), attempts: attempts.into_iter().map(attempt).collect() }
    }
}

/// A page of deliveries.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryPage {
    /// The newest status change first.
    pub items: Vec<DeliveryLine>,
    /// Give it as `cursor` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1796206531000000.8b1f0c7e-64a0-8f3b-9c55-0f4b8a3c2d1e")]
    pub next_cursor: Option<String>,
    /// Deliveries on all pages together, counted to 10,000: that number means at least so many.
    #[schema(example = 1, maximum = 10_000)]
    pub total: u64,
}

/// The second part of W3C's `traceparent`.
fn trace_id(traceparent: &str) -> Option<String> {
    traceparent.split('-').nth(1).filter(|id| !id.is_empty()).map(str::to_owned)
}
