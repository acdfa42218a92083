//! `GET /api/v1/publishers`: a page of them.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, auth::Caller};

use super::{answers, json::PublisherJson};
use crate::flows::Catalog;

/// Publishers, by name
#[utoipa::path(
    tag = "Publishers",
    security(("apiToken" = [])),
    params(Page),
    responses((status = 200, description = "A page of them.", body = ListBody<PublisherJson>)),
)]
#[get("/api/v1/publishers")]
pub async fn list_publishers(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Page,
) -> Result<Json<ListBody<PublisherJson>>, Problem> {
    caller.require_read_tenant()?;
    let found = catalog.list_publishers(caller.tenant, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(PublisherJson::from).collect(), found.total)))
}
