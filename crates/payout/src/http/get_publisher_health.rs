//! `GET /api/v1/publishers/{publisher_id}/health`: how a publisher's endpoints answer, and what waits for them.

use actix_web::{get, web};
use chrono::{DateTime, SecondsFormat, Utc};
use http_kit::{Json, Problem, auth::Caller};
use kernel::{PublisherId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, error};
use crate::{
    domain::delivery::{Breaker, FAILURES_TO_OPEN, Share},
    flows::{
        deliver::Bounds,
        publisher_health::{self, EndpointHealth, Limits, WINDOW_SECONDS},
    },
};

/// How a publisher is reached at this moment.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "publisherId": "0193a1f0-0000-7000-8000-000000000002",
    "maxConcurrency": 16,
    "maxPerSecond": 1000,
    "windowSeconds": 3600,
    "endpoints": [{
        "endpointId": "0193a1f0-0000-7000-8000-000000000010",
        "active": true,
        "paused": false,
        "goneInARow": 0,
        "breaker": "Open",
        "probesAt": "2026-12-02T10:20:30.250Z",
        "failuresInARow": 10,
        "attemptCount": 412,
        "successCount": 402,
        "successPercent": "97.57",
        "durationP95Ms": 84,
        "backlog": {"due": 37, "waiting": 11, "exhausted": 2, "oldestDueAt": "2026-12-02T10:15:31.000Z"}
    }]
}))]
pub struct PublisherHealthBody {
    /// The publisher.
    pub publisher_id: Uuid,
    /// Postbacks to it at a time, of each replica: its own bound, or the installation's.
    #[schema(example = 16)]
    pub max_concurrency: i64,
    /// Postbacks to it a second, of all replicas: its own bound, or the installation's.
    #[schema(example = 1000)]
    pub max_per_second: i64,
    /// How far back answers are looked at.
    #[schema(example = 3600)]
    pub window_seconds: i32,
    /// Its endpoints, those that are switched on first.
    pub endpoints: Vec<EndpointHealthBody>,
}

/// How an endpoint answers, and what waits for it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "endpointId": "0193a1f0-0000-7000-8000-000000000010",
    "active": true,
    "paused": true,
    "pausedAt": "2026-12-02T10:15:31.000Z",
    "goneInARow": 10,
    "breaker": "Closed",
    "failuresInARow": 0,
    "attemptCount": 40,
    "successCount": 30,
    "successPercent": "75.00",
    "durationP95Ms": 84,
    "backlog": {"due": 3, "waiting": 0, "exhausted": 0, "oldestDueAt": "2026-12-02T10:15:32.000Z"}
}))]
pub struct EndpointHealthBody {
    /// The endpoint.
    pub endpoint_id: Uuid,
    /// Whether the catalog has it switched on.
    pub active: bool,
    /// Whether it is paused: it answered 410 ten times in a row. What is due waits until somebody resumes it, or its URL is
    /// changed in the catalog.
    pub paused: bool,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<String>,
    /// 410 since the last other answer.
    #[schema(example = 0)]
    pub gone_in_a_row: u32,
    /// `Closed`: what is due is sent. `Open`: it failed ten times in a row and is left alone; nothing that waits loses an
    /// attempt. `HalfOpen`: one postback is sent to see whether it answers.
    #[schema(example = "Closed")]
    pub breaker: &'static str,
    /// While it is open: when it is asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes_at: Option<String>,
    /// Failures since the last success, up to the ten that open the breaker.
    #[schema(example = 0)]
    pub failures_in_a_row: u32,
    /// Attempts within the window, the newest 1000 at most.
    #[schema(example = 412)]
    pub attempt_count: i64,
    /// Those of them that were answered 2xx.
    #[schema(example = 402)]
    pub success_count: i64,
    /// Their share, rounded down; absent when there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "97.57")]
    pub success_percent: Option<String>,
    /// 95 of 100 attempts took no longer than this; absent when there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 84)]
    pub duration_p95_ms: Option<i32>,
    /// What waits for it.
    pub backlog: BacklogBody,
}

/// Deliveries that are not told. Counts go up to 100000, which then means "at least".
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"due": 37, "waiting": 11, "exhausted": 2, "oldestDueAt": "2026-12-02T10:15:31.000Z"}))]
pub struct BacklogBody {
    /// Due, and not under way: held by a pause or an open breaker, or by the publisher's own bounds.
    pub due: i64,
    /// Wait for their next attempt, or are under way.
    pub waiting: i64,
    /// All attempts failed; nothing more happens by itself.
    pub exhausted: i64,
    /// Since when the oldest is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_due_at: Option<String>,
}

/// How a publisher's endpoints answer, and what waits for them
///
/// A publisher's token reads its own.
#[utoipa::path(
    tag = "publishers",
    params(("publisher_id" = Uuid, Path, description = "The publisher")),
    security(("apiToken" = ["read-own"])),
    responses(
        (status = 200, description = "Its health", body = PublisherHealthBody),
        (status = 404, description = "No such publisher of this tenant, or it has not arrived here yet"),
    )
)]
#[get("/api/v1/publishers/{publisher_id}/health")]
pub async fn get_publisher_health(
    caller: Caller,
    api: web::Data<Api>,
    publisher: web::Path<Uuid>,
) -> Result<Json<PublisherHealthBody>, Problem> {
    let own = caller.visible_publisher()?;
    let publisher = PublisherId::from_uuid(publisher.into_inner());
    if own.is_some_and(|own| own != publisher) {
        return Err(Problem::not_found("publisher"));
    }
    let (limits, endpoints) = publisher_health::health(&api.pool, (caller.tenant, publisher))
        .await
        .map_err(error::of_store)?
        .ok_or_else(|| Problem::not_found("publisher"))?;
    Ok(Json(body(publisher, limits, api.bounds, &endpoints)))
}

fn body(
    publisher: PublisherId,
    limits: Limits,
    bounds: Bounds,
    endpoints: &[EndpointHealth],
) -> PublisherHealthBody {
    let per_second = limits.max_per_second.map(i64::from);
    PublisherHealthBody {
        publisher_id: publisher.as_uuid(),
        max_concurrency: i64::from(limits.max_concurrency.unwrap_or(bounds.per_publisher)),
        max_per_second: per_second.unwrap_or_else(|| i64::from(bounds.per_publisher_per_second)),
        window_seconds: WINDOW_SECONDS,
        endpoints: endpoints.iter().map(endpoint).collect(),
    }
}

/// An endpoint as people see it.
pub(super) fn endpoint(health: &EndpointHealth) -> EndpointHealthBody {
    let condition = health.condition;
    let (breaker, probes_at, failures_in_a_row) = match condition.breaker {
        Breaker::Closed { failures } => ("Closed", None, failures),
        Breaker::Open { probing: false, until, .. }
            if condition.breaker.share(health.now) == Share::Nothing =>
        {
            ("Open", Some(text(until)), FAILURES_TO_OPEN)
        }
        Breaker::Open { .. } => ("HalfOpen", None, FAILURES_TO_OPEN),
    };
    EndpointHealthBody {
        endpoint_id: health.endpoint.as_uuid(),
        active: health.active,
        paused: condition.paused_at.is_some(),
        paused_at: condition.paused_at.map(text),
        gone_in_a_row: condition.gone,
        breaker,
        probes_at,
        failures_in_a_row,
        attempt_count: health.attempts,
        success_count: health.successes,
        success_percent: percent(health.successes, health.attempts),
        duration_p95_ms: health.p95_ms,
        backlog: BacklogBody {
            due: health.due,
            waiting: health.waiting,
            exhausted: health.exhausted,
            oldest_due_at: health.oldest_due_at.map(text),
        },
    }
}

/// Of two counts up to a thousand, in hundredths of a percent.
fn percent(part: i64, whole: i64) -> Option<String> {
    let hundredths = part.saturating_mul(10_000).checked_div(whole)?;
    Some(format!("{}.{:02}", hundredths.div_euclid(100), hundredths.rem_euclid(100)))
}

fn text(moment: Timestamp) -> String {
    DateTime::<Utc>::from_timestamp_micros(moment.as_micros())
        .map_or_else(String::new, |moment| moment.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_down_and_of_nothing_there_is_none() {
        assert_eq!(percent(402, 412).as_deref(), Some("97.57"));
        assert_eq!(percent(999, 1_000).as_deref(), Some("99.90"));
        assert_eq!(percent(5, 5).as_deref(), Some("100.00"));
        assert_eq!(percent(0, 7).as_deref(), Some("0.00"));
        assert_eq!(percent(0, 0), None);
    }
}
