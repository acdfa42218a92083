//! Orders as people see them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    flows::replays::{Replay, ReplayRow},
    http::json::moment,
};

/// Deliveries that are told again, by order of a person.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "replayId": "019abf10-7a10-7c4e-8f00-3d2b5a6c7d8e",
    "publisherId": "0193a1f0-0000-7000-8000-000000000002",
    "states": ["exhausted"],
    "from": "2026-12-01T00:00:00.000Z",
    "to": "2026-12-03T00:00:00.000Z",
    "tokenId": "0193a1f0-0000-7000-8000-0000000000aa",
    "reason": "The publisher was down for a day.",
    "orderedAt": "2026-12-06T09:00:00.000Z",
    "state": "done",
    "total": 1200,
    "replayed": 1180,
    "skipped": 20,
    "endedAt": "2026-12-06T09:01:00.000Z",
    "progress": {
        "sent": 1180, "delivered": 1179, "failed": 0, "superseded": 0, "waiting": 1,
        "skipped": [{"because": "superseded", "deliveries": 20}]
    }
}))]
pub struct DeliveryReplayBody {
    /// Its id.
    pub replay_id: Uuid,
    /// Whose deliveries.
    pub publisher_id: Uuid,
    /// Those to one endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_id: Option<Uuid>,
    /// This one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<Uuid>,
    /// How they had ended; empty for a single one.
    #[schema(example = json!(["exhausted"]))]
    pub states: Vec<String>,
    /// Of statuses that changed from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Of statuses that changed before then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Whose token ordered it.
    pub token_id: Uuid,
    /// Why.
    pub reason: String,
    /// When.
    pub ordered_at: String,
    /// `running`; `done`: each delivery was made due or skipped; `stopped`: by a person.
    #[schema(example = "done")]
    pub state: String,
    /// Deliveries that were found when it was ordered. One that somebody replayed meanwhile is left out.
    pub total: i64,
    /// Made due until now.
    pub replayed: i64,
    /// Left as they are until now.
    pub skipped: i64,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Whose token stopped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<Uuid>,
    /// What became of them; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<ReplayProgressBody>,
}

/// How the deliveries of a replay stand now.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "sent": 1180, "delivered": 1179, "failed": 0, "superseded": 0, "waiting": 1,
    "skipped": [{"because": "superseded", "deliveries": 20}]
}))]
pub struct ReplayProgressBody {
    /// Tried at least once since they were made due.
    pub sent: i64,
    /// The publisher knows.
    pub delivered: i64,
    /// Given up again, or stopped.
    pub failed: i64,
    /// Replaced by a newer status, which is told instead.
    pub superseded: i64,
    /// Still to be told: due, or tried and to be tried again.
    pub waiting: i64,
    /// Those that were left as they are, by reason.
    pub skipped: Vec<SkippedBody>,
}

/// Deliveries that were not told again, for one reason.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"because": "superseded", "deliveries": 20}))]
pub struct SkippedBody {
    /// `already_waiting`: it had not ended; `newer_is_waiting`: the endpoint is about to hear of a later change; `superseded`: the
    /// conversion has moved on; `endpoint_is_off`; `endpoint_is_paused`.
    pub because: String,
    /// How many.
    pub deliveries: i64,
}

impl From<ReplayRow> for DeliveryReplayBody {
    fn from(row: ReplayRow) -> Self {
        Self {
            replay_id: row.replay_id,
            publisher_id: row.publisher_id,
            endpoint_id: row.endpoint_id,
            delivery_id: row.delivery_id,
            states: row.states,
            from: row.created_from.map(moment),
            to: row.created_until.map(moment),
            token_id: row.token_id,
            reason: row.reason,
            ordered_at: moment(row.ordered_at),
            state: row.state,
            total: row.total,
            replayed: row.replayed,
            skipped: row.skipped,
            ended_at: row.ended_at.map(moment),
            stopped_by: row.stopped_by,
            progress: None,
        }
    }
}

impl From<Replay> for DeliveryReplayBody {
    fn from(replay: Replay) -> Self {
        let progress = ReplayProgressBody {
            sent: replay.progress.sent,
            delivered: replay.progress.delivered,
            failed: replay.progress.failed,
            superseded: replay.progress.superseded,
            waiting: replay.progress.waiting,
            skipped: replay
                .skipped
                .into_iter()
                .map(|row| SkippedBody { because: row.because, deliveries: row.deliveries })
                .collect(),
        };
        Self { progress: Some(progress), ..Self::from(replay.order) }
    }
}
