//! `GET /api/v1/users/{userId}`.

use actix_web::{HttpResponse, get, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::UserId;
use uuid::Uuid;

use super::{answers, json::UserJson};
use crate::flows::Catalog;

/// One user
#[utoipa::path(
    tag = "Users",
    security(("apiToken" = ["manage"])),
    params(("user_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The user.", body = UserJson),
        (status = 404, description = "No such user.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/users/{user_id}")]
pub async fn get_user(
    caller: Caller,
    catalog: web::Data<Catalog>,
    user_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_owner()?;
    let user = catalog.user(caller.tenant, UserId::from_uuid(*user_id)).await?;
    Ok(answers::tagged(user.revision, &UserJson::from(user)))
}
