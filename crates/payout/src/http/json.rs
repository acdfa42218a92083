//! What the API shows. Money is decimal text beside its currency, times are ISO 8601.

use chrono::{DateTime, SecondsFormat, Utc};
use contracts::attribution::ConversionVerdict;
use kernel::Micros;
use prost::Message as _;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

mod ledger;

pub(super) use self::ledger::{BalanceBody, TransferBody, balance, transfer};
use crate::flows::read::{AttemptRow, ConversionRow, DeliveryRow, HistoryRow};

/// An amount.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MoneyBody {
    /// Decimal, such as `4.99`.
    #[schema(example = "4.99")]
    pub amount: String,
    /// ISO 4217.
    #[schema(example = "USD")]
    pub currency: String,
}

/// A conversion as it stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "conversionId": "0198d001-77aa-7b52-8f11-4b7c2a90e6d3",
    "gkClickId": "0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e",
    "offerId": "0194a3c0-0000-7000-8000-000000000001",
    "offerName": "Golfin iOS",
    "offerEventId": "0194a3c0-0000-7000-8000-0000000000e2",
    "eventId": "level_10",
    "eventName": "Reach Level 10",
    "publisherId": "0193a1f0-0000-7000-8000-000000000002",
    "advertiserId": "0193a1f0-0000-7000-8000-000000000001",
    "status": "Success",
    "onReview": false,
    "flagged": false,
    "unpaid": false,
    "statusRevision": 2,
    "verdictRevision": 1,
    "reasonCode": "",
    "reason": "",
    "revenue": {"amount": "5.00", "currency": "USD"},
    "payout": {"amount": "3.00", "currency": "USD"},
    "rewardPoints": 500,
    "receivedAt": "2026-12-02T10:15:30.250Z",
    "changedAt": "2026-12-02T10:15:31.000Z"
}))]
pub struct ConversionBody {
    /// Never changes.
    pub conversion_id: Uuid,
    /// The journey.
    pub gk_click_id: Uuid,
    /// The offer.
    pub offer_id: Uuid,
    /// Its name.
    pub offer_name: String,
    /// The event of the offer.
    pub offer_event_id: Uuid,
    /// Its Event ID.
    pub event_id: String,
    /// Its user-facing name.
    pub event_name: String,
    /// Who earns.
    pub publisher_id: Uuid,
    /// Who owes; not shown to publishers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advertiser_id: Option<Uuid>,
    /// `Pending`, `Success` or `Rejected`.
    pub status: &'static str,
    /// Pending, and not released by time: a person must look.
    pub on_review: bool,
    /// Success, and fraud was reported after it was released.
    pub flagged: bool,
    /// Accepted above a limit of the offer: revenue and payout are 0.
    pub unpaid: bool,
    /// Payout's count of its changes.
    pub status_revision: i64,
    /// The verdict of attribution it answers.
    pub verdict_revision: i64,
    /// Stable code of why; empty when there is nothing to explain.
    pub reason_code: String,
    /// The same for people.
    pub reason: String,
    /// What the advertiser owes; not shown to publishers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revenue: Option<MoneyBody>,
    /// What the publisher earns; absent while it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payout: Option<MoneyBody>,
    /// Points for the publisher's user.
    pub reward_points: i64,
    /// When the postback arrived.
    pub received_at: String,
    /// When its pending time ends, while it is Pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// When it changed last.
    pub changed_at: String,
}

/// A conversion with everything that followed from it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WholeConversionBody {
    /// As it stands.
    #[serde(flatten)]
    pub conversion: ConversionBody,
    /// Its changes, oldest first.
    pub history: Vec<HistoryBody>,
    /// Its ledger rows, newest first; not shown to publishers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<TransferBody>,
    /// What publishers were told.
    pub deliveries: Vec<DeliveryBody>,
}

/// One change.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "statusRevision": 2,
    "status": "Success",
    "detail": "success",
    "by": "time",
    "reasonCode": "",
    "reason": "",
    "verdictRevision": 1,
    "revenue": {"amount": "5.00", "currency": "USD"},
    "payout": {"amount": "3.00", "currency": "USD"},
    "changedAt": "2026-12-02T10:15:31.000Z"
}))]
pub struct HistoryBody {
    /// Counts the changes.
    pub status_revision: i64,
    /// `Pending`, `Success` or `Rejected`.
    pub status: &'static str,
    /// `pending`, `on_review`, `success`, `flagged`, `rejected` or `reversed`.
    pub detail: String,
    /// `time`, `verdict`, `person` or `limit`.
    pub by: String,
    /// Stable code of why.
    pub reason_code: String,
    /// The same for people.
    pub reason: String,
    /// The verdict of attribution it answers.
    pub verdict_revision: i64,
    /// What the advertiser owed; not shown to publishers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revenue: Option<MoneyBody>,
    /// What the publisher earned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payout: Option<MoneyBody>,
    /// When.
    pub changed_at: String,
}

/// One telling of one status to one endpoint.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "deliveryId": "6b1f0a52-3d4e-5f60-8a7b-9c0d1e2f3a4b",
    "statusRevision": 2,
    "endpointId": "0193a1f0-0000-7000-8000-000000000010",
    "told": "success",
    "state": "delivered",
    "attemptCount": 1,
    "createdAt": "2026-12-02T10:15:31.000Z",
    "endedAt": "2026-12-02T10:15:31.134Z",
    "attempts": [{
        "number": 1,
        "startedAt": "2026-12-02T10:15:31.050Z",
        "durationMs": 84,
        "answeredMs": 80,
        "request": "GET https://rewardville.example/…?click=…&id=…&status=…",
        "headers": ["webhook-id", "webhook-timestamp", "webhook-signature", "traceparent"],
        "httpStatus": 200,
        "response": "ok"
    }]
}))]
pub struct DeliveryBody {
    /// The same on every attempt.
    pub delivery_id: Uuid,
    /// The change it tells of.
    pub status_revision: i64,
    /// Where.
    pub endpoint_id: Uuid,
    /// `pending`, `success` or `rejected`.
    pub told: String,
    /// `waiting`, `delivered`, `exhausted`, `superseded` or `stopped`.
    pub state: String,
    /// How often it was tried.
    pub attempt_count: i32,
    /// When it is tried next; while an attempt is under way: since when that was due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// What it waits for: `attempt_under_way`, `paused_endpoint`, `open_breaker`, `turn` (it is due: its publisher's rate,
    /// concurrency or other deliveries come first), `retry` (`dueAt`, after an attempt that failed), `earlier_telling` (an older
    /// telling of the conversion is under way there). Absent when it has ended, or is about to: its endpoint is switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// When it was decided.
    pub created_at: String,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// How it went.
    pub attempts: Vec<AttemptBody>,
}

/// One attempt.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "number": 1,
    "startedAt": "2026-12-02T10:15:31.050Z",
    "durationMs": 84,
    "answeredMs": 80,
    "request": "GET https://rewardville.example/…?click=…&id=…&status=…",
    "headers": ["webhook-id", "webhook-timestamp", "webhook-signature", "traceparent"],
    "httpStatus": 200,
    "response": "ok"
}))]
pub struct AttemptBody {
    /// From 1.
    pub number: i32,
    /// When it began.
    pub started_at: String,
    /// How long it took, to the end of the answer.
    pub duration_ms: i32,
    /// How long it took to the status line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_ms: Option<i32>,
    /// What was asked: method, host and names of parameters. The path and every value are hidden: they may be secrets.
    pub request: String,
    /// The names of its headers; values are hidden.
    pub headers: Vec<String>,
    /// What was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<i32>,
    /// Why nothing was.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub failure: String,
    /// The beginning of the answer's body.
    pub response: String,
    /// When the next attempt was planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due_at: Option<String>,
}

/// How much the reader may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// A publisher's: nothing of the advertiser's money.
    Publisher,
    /// The tenant's own people.
    Tenant,
}

impl Sight {
    fn of_tenant<T>(self, value: Option<T>) -> Option<T> {
        value.filter(|_| self == Self::Tenant)
    }
}

pub(super) fn conversion(row: ConversionRow, sight: Sight) -> ConversionBody {
    // Read once before it was stored; should it not decode any more, the names are missing and the rest is not.
    let verdict = ConversionVerdict::decode(row.verdict.as_slice()).unwrap_or_default();
    ConversionBody {
        conversion_id: row.conversion_id,
        gk_click_id: row.gk_click_id,
        offer_id: row.offer_id,
        offer_name: verdict.offer_name,
        offer_event_id: row.offer_event_id,
        event_id: verdict.event_id,
        event_name: verdict.event_name,
        publisher_id: row.publisher_id,
        advertiser_id: sight.of_tenant(Some(row.advertiser_id)),
        status: told(&row.status),
        on_review: row.status == "on_review",
        flagged: row.status == "flagged",
        unpaid: row.counted == "unpaid",
        status_revision: row.status_revision,
        verdict_revision: row.verdict_revision,
        reason_code: row.reason_code,
        reason: row.reason,
        revenue: sight.of_tenant(money(row.revenue_micros, row.currency.as_deref())),
        payout: money(row.payout_micros, row.currency.as_deref()),
        reward_points: row.reward_points,
        received_at: moment(row.received_at),
        due_at: (row.status == "pending").then(|| moment(row.hold_ends_at)),
        changed_at: moment(row.changed_at),
    }
}

pub(super) fn history(row: HistoryRow, sight: Sight) -> HistoryBody {
    HistoryBody {
        status_revision: row.status_revision,
        status: told(&row.status),
        detail: row.status,
        by: row.status_by,
        reason_code: row.reason_code,
        reason: row.reason,
        verdict_revision: row.verdict_revision,
        revenue: sight.of_tenant(money(row.revenue_micros, row.currency.as_deref())),
        payout: money(row.payout_micros, row.currency.as_deref()),
        changed_at: moment(row.changed_at),
    }
}

pub(super) fn deliveries(rows: Vec<DeliveryRow>, attempts: Vec<AttemptRow>) -> Vec<DeliveryBody> {
    let mut bodies: Vec<DeliveryBody> = rows.into_iter().map(delivery).collect();
    for row in attempts {
        let whose = bodies.iter_mut().find(|body| body.delivery_id == row.delivery_id);
        if let Some(body) = whose {
            body.attempts.push(attempt(row));
        }
    }
    bodies
}

fn delivery(row: DeliveryRow) -> DeliveryBody {
    DeliveryBody {
        delivery_id: row.delivery_id,
        status_revision: row.status_revision,
        endpoint_id: row.endpoint_id,
        told: row.told,
        state: row.state,
        attempt_count: row.attempts,
        due_at: row.due_at.map(moment),
        waits_for: row.waits_for,
        created_at: moment(row.created_at),
        ended_at: row.ended_at.map(moment),
        attempts: Vec::new(),
    }
}

pub(super) fn attempt(row: AttemptRow) -> AttemptBody {
    AttemptBody {
        number: row.number,
        started_at: moment(row.started_at),
        duration_ms: row.duration_ms,
        answered_ms: row.answered_ms,
        request: row.request,
        headers: row.headers.split_ascii_whitespace().map(str::to_owned).collect(),
        http_status: row.http_status,
        failure: row.failure,
        response: row.response,
        next_due_at: row.next_due_at.map(moment),
    }
}

/// The three words a publisher knows.
fn told(status: &str) -> &'static str {
    match status {
        "pending" | "on_review" => "Pending",
        "success" | "flagged" => "Success",
        _ => "Rejected",
    }
}

pub(super) fn money(micros: Option<i64>, currency: Option<&str>) -> Option<MoneyBody> {
    Some(MoneyBody { amount: Micros(micros?).to_string(), currency: currency?.to_owned() })
}

pub(super) fn moment(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}
