//! `PUT /api/v1/users/{userId}`: an owner changes a user.

use actix_web::{HttpRequest, HttpResponse, put, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::UserId;
use uuid::Uuid;

use super::{
    answers,
    json::{UserBody, UserJson},
};
use crate::flows::Catalog;

/// Change a user
///
/// Replaces everything that was entered. A new role is at once that of every token the user holds.
#[utoipa::path(
    tag = "Users",
    security(("apiToken" = ["manage"])),
    params(("user_id" = Uuid, Path), answers::IfMatch),
    request_body = UserBody,
    responses(
        (status = 200, description = "The user.", body = UserJson),
        (status = 400, description = "If-Match or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such user.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "The tenant would be left without an active owner, or the user was deactivated.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it since.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[put("/api/v1/users/{user_id}")]
pub async fn change_user(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    user_id: web::Path<Uuid>,
    body: Json<UserBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_owner()?;
    let id = UserId::from_uuid(*user_id);
    let expected = answers::expected_revision(&request)?;
    let changed = catalog.change_user(caller.tenant, caller.token, id, body.0.read()?, expected).await?;
    Ok(answers::tagged(changed.revision, &UserJson::from(changed)))
}
