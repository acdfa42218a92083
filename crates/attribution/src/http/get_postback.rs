//! `GET /api/v1/postbacks/{receipt}`: why it was decided as it was.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};
use kernel::ReceiptId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, decision_body::DecisionBody, unavailable, written};
use crate::flows::PostbackView;

/// A postback, what it means, and what it was taken to mean before.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "receipt": "019a2b6e-5d0e-7cc1-a3a8-6f2f5b8f2c11",
    "receivedAt": "2026-12-02T10:15:30.250000Z",
    "gkClickId": "0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e",
    "decision": {
        "code": "QUALIFIED",
        "sentence": "Accepted.",
        "revision": 2,
        "decidedAt": "2026-12-02T10:15:41.020000Z",
        "mayChange": false,
        "trace": [{
            "rule": 9,
            "outcome": "passed",
            "sentence": "9. Is the event mapped in the offer? Yes. (Event ID: level_10; version: 2)",
            "saw": [{"name": "Event ID", "value": "level_10"}, {"name": "version", "value": "2"}]
        }]
    },
    "earlierDecisions": [{
        "code": "WAITING_CLICK",
        "sentence": "The click id is ours, but its click has not arrived yet.",
        "revision": 1,
        "decidedAt": "2026-12-02T10:15:30.310000Z",
        "mayChange": true,
        "trace": []
    }],
    "raw": {
        "method": "GET",
        "query": "gk_click_id=0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e&cnv_event_id=level_10",
        "contentType": "",
        "body": "",
        "notes": [],
        "callerOutsideRanges": false
    }
}))]
pub struct PostbackBody {
    /// The receipt that was answered to AppsFlyer.
    pub receipt: Uuid,
    /// When it was accepted.
    pub received_at: String,
    /// The click it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gk_click_id: Option<Uuid>,
    /// What holds now.
    pub decision: DecisionBody,
    /// What held before, the latest first.
    pub earlier_decisions: Vec<DecisionBody>,
    /// The postback as it came, while it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawBody>,
}

/// A postback as it came, without credentials.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "method": "GET",
    "query": "gk_click_id=0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e&cnv_event_id=level_10",
    "contentType": "",
    "body": "",
    "notes": [],
    "callerOutsideRanges": false
}))]
pub struct RawBody {
    /// `GET` or `POST`.
    pub method: String,
    /// The query; bytes that are no text are replaced.
    pub query: String,
    /// What the body says it is.
    pub content_type: String,
    /// The body; bytes that are no text are replaced.
    pub body: String,
    /// What was odd and could be lived with, as codes.
    pub notes: Vec<String>,
    /// The caller was outside AppsFlyer's published ranges.
    pub caller_outside_ranges: bool,
}

/// What a postback means, with the rules that led there and every earlier decision
#[utoipa::path(
    tag = "postbacks",
    params(("receipt" = Uuid, Path, description = "The receipt answered to AppsFlyer")),
    security(("apiToken" = ["read"])),
    responses((status = 200, description = "The postback.", body = PostbackBody), (status = 404, description = "No such postback."))
)]
#[get("/api/v1/postbacks/{receipt}")]
pub(super) async fn get_postback(
    caller: Caller,
    receipt: web::Path<Uuid>,
    api: web::Data<Api>,
) -> Result<Json<PostbackBody>, Problem> {
    caller.require_read_tenant()?;
    let receipt = ReceiptId::from_uuid(receipt.into_inner());
    let view = api.reader.postback(caller.tenant, receipt).await.map_err(unavailable)?;
    view.map(|view| Json(PostbackBody::from(view))).ok_or_else(|| Problem::not_found("postback"))
}

impl From<PostbackView> for PostbackBody {
    fn from(view: PostbackView) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            receipt: view.current.receipt.as_uuid(),
            received_at: written(view.current.received_at),
            gk_click_id: view.current.click.map(kernel::ClickId::as_uuid),
            decision: view.current.into(),
            earlier_decisions: view.earlier.into_iter().map(DecisionBody::from).collect(),
            raw: view.raw.map(|raw| RawBody {
                method: raw.method,
                query: text(&raw.query),
                content_type: raw.content_type,
                body: text(&raw.body),
                notes: raw.notes.split_whitespace().map(String::from).collect(),
                caller_outside_ranges: raw.caller_outside_ranges,
            }),
        }
    }
}
