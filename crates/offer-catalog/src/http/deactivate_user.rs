//! `POST /api/v1/users/{userId}/deactivate`: an owner takes a user's rights.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::UserId;
use uuid::Uuid;

use super::{answers, json::UserJson};
use crate::flows::Catalog;

/// Deactivate a user
///
/// Final: all their tokens are revoked, and stop working within 5 seconds everywhere. Doing it again changes nothing.
#[utoipa::path(
    tag = "Users",
    security(("apiToken" = ["manage"])),
    params(("user_id" = Uuid, Path), answers::IfMatch),
    responses(
        (status = 200, description = "The user.", body = UserJson),
        (status = 400, description = "If-Match can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such user.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "The tenant would be left without an active owner.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it since.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/users/{user_id}/deactivate")]
pub async fn deactivate_user(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    user_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_owner()?;
    let expected = answers::expected_revision(&request)?;
    let id = UserId::from_uuid(*user_id);
    let user = catalog.deactivate_user(caller.tenant, caller.token, id, expected).await?;
    Ok(answers::tagged(user.revision, &UserJson::from(user)))
}
