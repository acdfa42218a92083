//! `POST /api/v1/tokens`: an owner issues a token.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::{
    json::{IssuedTokenJson, TokenBody},
    once,
};
use crate::flows::Catalog;

/// Issue an API token
///
/// The token is shown this once.
#[utoipa::path(
    tag = "Tokens",
    security(("apiToken" = ["manage"])),
    params(once::IdempotencyKey),
    request_body = TokenBody,
    responses(
        (status = 201, description = "The token.", body = IssuedTokenJson),
        (status = 400, description = "The Idempotency-Key or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "A call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/tokens")]
pub async fn create_token(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    body: Json<TokenBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_owner()?;
    let written = |issued| once::created_secret(&IssuedTokenJson::from(issued));
    let once = once::once(&caller, &request, &body.0, written)?;
    Ok(once::told(&catalog.issue_token(caller.tenant, caller.token, body.0.read()?, &once).await?))
}
