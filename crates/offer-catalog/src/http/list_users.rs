//! `GET /api/v1/users`: a page of them.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, auth::Caller};

use super::{answers, json::UserJson};
use crate::flows::Catalog;

/// Users, by name
#[utoipa::path(
    tag = "Users",
    security(("apiToken" = ["manage"])),
    params(Page),
    responses((status = 200, description = "A page of them.", body = ListBody<UserJson>)),
)]
#[get("/api/v1/users")]
pub async fn list_users(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Page,
) -> Result<Json<ListBody<UserJson>>, Problem> {
    caller.require_owner()?;
    let found = catalog.list_users(caller.tenant, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(UserJson::from).collect(), found.total)))
}
