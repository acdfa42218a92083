//! `POST /api/v1/publishers/{publisher_id}/endpoints/{endpoint_id}/resume`: a person says that an endpoint may be called again.

use actix_web::{post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller, openapi::Said};
use kernel::{EndpointId, PublisherId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api, error,
    get_publisher_health::{self, EndpointHealthBody},
};
use crate::flows::{
    publisher_health,
    resume_endpoint::{Asked, ResumeError, resume},
};

/// A reason is a sentence or two.
const REASON_CHARS_MAX: usize = 1_000;

/// Why an endpoint may be called again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"reason": "They have deployed it again, and asked for what waited."}))]
pub struct ResumeBody {
    /// Why: 1 to 1000 characters, not only white space. Kept with who asked.
    #[schema(
        example = "They have deployed it again, and asked for what waited.",
        min_length = 1,
        max_length = 1000,
        pattern = r"\S"
    )]
    reason: String,
}

/// Resume an endpoint
///
/// One that is paused, or whose breaker is open, starts afresh: what waited goes out, as fast as the publisher's bounds allow.
/// If it still answers 410, it is paused again after ten.
#[utoipa::path(
    tag = "publishers",
    params(
        ("publisher_id" = Uuid, Path, description = "The publisher"),
        ("endpoint_id" = Uuid, Path, description = "The endpoint"),
    ),
    security(("apiToken" = ["write"])),
    request_body = ResumeBody,
    responses(
        (status = 200, description = "The endpoint as it is now", body = EndpointHealthBody),
        (status = 404, description = "No such endpoint of this publisher"),
        (status = 409, description = "Nothing holds it", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/publishers/{publisher_id}/endpoints/{endpoint_id}/resume")]
pub async fn resume_endpoint(
    caller: Caller,
    api: web::Data<Api>,
    path: web::Path<(Uuid, Uuid)>,
    body: Json<ResumeBody>,
) -> Result<Json<EndpointHealthBody>, Problem> {
    caller.require_write()?;
    let reason = body.0.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(wrong_reason());
    }
    let (publisher, endpoint) = path.into_inner();
    let (publisher, endpoint) = (PublisherId::from_uuid(publisher), EndpointId::from_uuid(endpoint));
    let asked = Asked {
        tenant: caller.tenant,
        publisher,
        endpoint,
        token: caller.token,
        reason: String::from(reason),
    };
    resume(&api.pool, &asked).await.map_err(problem)?;
    let health =
        publisher_health::health(&api.pool, (caller.tenant, publisher)).await.map_err(error::of_store)?;
    let endpoints = health.map(|(_, endpoints)| endpoints).unwrap_or_default();
    let now = endpoints.iter().find(|health| health.endpoint == endpoint);
    let now = now.ok_or_else(|| Problem::not_found("endpoint"))?;
    Ok(Json(get_publisher_health::endpoint(now)))
}

fn wrong_reason() -> Problem {
    Problem::invalid(Vec::new()).field("reason", "must be 1 to 1000 characters, not only white space")
}

fn problem(error: ResumeError) -> Problem {
    match error {
        ResumeError::NotFound => Problem::not_found("endpoint"),
        ResumeError::NotHeld => Problem::conflict("endpoint_is_not_held", error.to_string()),
        ResumeError::Store(error) => error::of_store(error),
    }
}

/// Problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    let of = |problem| Said::by("resume_endpoint", problem);
    vec![of(problem(ResumeError::NotHeld)), of(wrong_reason())]
}
