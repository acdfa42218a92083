//! `POST /api/v1/bulk-statuses/{bulk_id}/apply`: a person has seen the dry run and wants it done.

use actix_web::{HttpResponse, post, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http_kit::{Json, Problem, ProblemBody, auth::Caller, openapi::Said};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{body::BulkStatusBody, unknown};
use crate::{
    flows::bulk::{ApplyError, apply, find},
    http::{Api, error},
};

/// The plan that was seen.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"}))]
pub struct ApplyBody {
    /// As the dry run answered.
    #[schema(example = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg")]
    token: String,
}

/// Apply a plan of many statuses
///
/// It is worked off in the background, click by click; ask for the plan to see how far it is. A conversion that has changed since
/// the dry run is skipped and reported. The same caller may ask again and is answered the same.
#[utoipa::path(
    tag = "bulk statuses",
    params(("bulk_id" = Uuid, Path, description = "As the dry run answered.")),
    security(("apiToken" = ["write"])),
    request_body = ApplyBody,
    responses(
        (status = 202, description = "It is being worked off, or was", body = BulkStatusBody),
        (status = 404, description = "No such plan of this tenant"),
        (status = 409, description = "The token is another plan's, the plan has expired, or somebody else has applied it", body = ProblemBody<'static>, content_type = "application/problem+json"),
    )
)]
#[post("/api/v1/bulk-statuses/{bulk_id}/apply")]
pub async fn apply_bulk_status(
    caller: Caller,
    api: web::Data<Api>,
    bulk: web::Path<Uuid>,
    body: Json<ApplyBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let key = (caller.tenant, bulk.into_inner());
    // What is not base64url is nobody's token.
    let token = URL_SAFE_NO_PAD.decode(&body.0.token).unwrap_or_default();
    apply(&api.pool, key, caller.token, &token).await.map_err(problem)?;
    let found = find(&api.pool, key).await.map_err(error::of_store)?;
    Ok(HttpResponse::Accepted().json(BulkStatusBody::from(found.ok_or_else(unknown)?)))
}

fn problem(error: ApplyError) -> Problem {
    let sentence = error.to_string();
    match error {
        ApplyError::NotFound => unknown(),
        ApplyError::OtherToken => Problem::conflict("token_of_another_plan", sentence),
        ApplyError::Expired => Problem::conflict("plan_has_expired", sentence),
        ApplyError::Applied => Problem::conflict("plan_was_applied", sentence),
        ApplyError::Store(error) => error::of_store(error),
    }
}

/// Its problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    let said = [ApplyError::OtherToken, ApplyError::Expired, ApplyError::Applied];
    said.map(|error| Said::by("apply_bulk_status", problem(error))).into()
}
