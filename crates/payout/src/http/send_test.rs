//! `POST /api/v1/publishers/{publisher_id}/endpoints/{endpoint_id}/test`: try an endpoint out.

use actix_web::{
    http::{StatusCode, header},
    post, web,
};
use http_kit::{Json, Problem, ProblemBody, auth::Caller, openapi::Said};
use kernel::{EndpointId, PublisherId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, error};
use crate::flows::send_test::{Asked, TESTS_A_MINUTE, TestError, Tested};

/// What came of a test.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "webhookId": "test_019abf10-7a10-7c4e-8f00-3d2b5a6c7d8e",
    "isTaken": true,
    "request": "GET https://rewardville.example/…?click=…&id=…&status=…",
    "headers": ["webhook-id", "webhook-timestamp", "webhook-signature", "gokart-test"],
    "httpStatus": 200,
    "response": "ok",
    "answeredMs": 80,
    "durationMs": 84
}))]
pub struct TestBody {
    /// The header `webhook-id` as it was sent; of a signed endpoint only.
    pub webhook_id: String,
    /// Whether it would count as delivered: any 2xx.
    pub is_taken: bool,
    /// What was asked: method, host and names of parameters. The path and every value are hidden. Empty when nothing was sent.
    pub request: String,
    /// The names of its headers; values are hidden.
    pub headers: Vec<String>,
    /// What was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The beginning of the answer's body, 2 KiB at most, without what is the publisher's secret.
    pub response: String,
    /// Why nothing was answered, or sent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub failure: String,
    /// Milliseconds to the status line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_ms: Option<u64>,
    /// Milliseconds to the end of the answer.
    pub duration_ms: u64,
}

impl From<Tested> for TestBody {
    fn from(tested: Tested) -> Self {
        Self {
            webhook_id: tested.webhook_id,
            is_taken: matches!(tested.http_status, Some(200..=299)),
            request: tested.request,
            headers: tested.headers,
            http_status: tested.http_status,
            response: tested.response,
            failure: tested.failure,
            answered_ms: tested.answered_ms,
            duration_ms: tested.duration_ms,
        }
    }
}

/// Send a test to an endpoint
///
/// A sample, by the same client and with the same signature as a postback, and what came back. It tells of no conversion and says so:
/// its status is `Test`, its `webhook-id` begins with `test_`, and it has the header `gokart-test: true`. Its click is `test-click`, its
/// member `test-member`. Nothing is tried again. The answer takes as long as the endpoint does, 15 seconds at most.
#[utoipa::path(
    tag = "deliveries",
    params(("publisher_id" = Uuid, Path), ("endpoint_id" = Uuid, Path)),
    security(("apiToken" = ["write"])),
    responses(
        (status = 200, description = "What came of it, also when nothing was answered: `failure` says why.", body = TestBody),
        (status = 404, description = "No such endpoint of this publisher, or it has not arrived here yet."),
        (status = 429, description = "The endpoint was tried often enough in this minute.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/publishers/{publisher_id}/endpoints/{endpoint_id}/test")]
pub(super) async fn send_test(
    caller: Caller,
    api: web::Data<Api>,
    ids: web::Path<(Uuid, Uuid)>,
) -> Result<Json<TestBody>, Problem> {
    caller.require_write()?;
    let (publisher, endpoint) = ids.into_inner();
    let asked = Asked {
        tenant: caller.tenant,
        publisher: PublisherId::from_uuid(publisher),
        endpoint: EndpointId::from_uuid(endpoint),
        token: caller.token,
    };
    Ok(Json(api.tester.send(asked).await.map_err(problem)?.into()))
}

fn problem(failure: TestError) -> Problem {
    match failure {
        TestError::NotFound => Problem::not_found("endpoint"),
        TestError::TooOften { seconds } => Problem::of_status(StatusCode::TOO_MANY_REQUESTS)
            .detail(format!(
                "an endpoint can be tried {TESTS_A_MINUTE} times a minute; try again in {seconds} s"
            ))
            .header(header::RETRY_AFTER, seconds.into()),
        TestError::Store(failure) => error::of_store(failure),
    }
}

/// Problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    vec![Said::by("send_test", problem(TestError::TooOften { seconds: 17 }))]
}
