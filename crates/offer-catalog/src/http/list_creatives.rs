//! `GET /api/v1/creatives`: a page of them, newest first.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, ProblemBody, auth::Caller};

use super::{answers, json::UploadedCreativeJson};
use crate::flows::Catalog;

/// Uploaded pictures, newest first
#[utoipa::path(
    tag = "Creatives",
    security(("apiToken" = ["read"])),
    params(Page),
    responses(
        (status = 200, description = "A page of them.", body = ListBody<UploadedCreativeJson>),
        (status = 400, description = "A parameter can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/creatives")]
pub async fn list_creatives(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Page,
) -> Result<Json<ListBody<UploadedCreativeJson>>, Problem> {
    caller.require_read_tenant()?;
    let found = catalog.list_creatives(caller.tenant, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(UploadedCreativeJson::from).collect(), found.total)))
}
