//! `GET /api/v1/advertisers`: a page of them.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, auth::Caller};

use super::{answers, json::AdvertiserJson};
use crate::flows::Catalog;

/// Advertisers, by name
#[utoipa::path(
    tag = "Advertisers",
    security(("apiToken" = [])),
    params(Page),
    responses((status = 200, description = "A page of them.", body = ListBody<AdvertiserJson>)),
)]
#[get("/api/v1/advertisers")]
pub async fn list_advertisers(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Page,
) -> Result<Json<ListBody<AdvertiserJson>>, Problem> {
    caller.require_read_tenant()?;
    let found = catalog.list_advertisers(caller.tenant, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(AdvertiserJson::from).collect(), found.total)))
}
