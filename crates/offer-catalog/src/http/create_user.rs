//! `POST /api/v1/users`: an owner makes a user.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::{
    json::{UserBody, UserJson},
    once,
};
use crate::flows::Catalog;

/// Make a user
///
/// Nobody has a password: issue an API token for the user, which has the user's role.
#[utoipa::path(
    tag = "Users",
    security(("apiToken" = ["manage"])),
    params(once::IdempotencyKey),
    request_body = UserBody,
    responses(
        (status = 201, description = "The user.", body = UserJson),
        (status = 400, description = "The Idempotency-Key or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "A call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/users")]
pub async fn create_user(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    body: Json<UserBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_owner()?;
    let once = once::once(&caller, &request, &body.0, |made| once::created(&UserJson::from(made)))?;
    Ok(once::told(&catalog.create_user(caller.tenant, caller.token, body.0.read()?, &once).await?))
}
