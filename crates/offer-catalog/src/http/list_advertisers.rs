//! `GET /api/v1/advertisers`: a page of them.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, ProblemBody, Query, auth::Caller};

use super::{
    answers,
    json::{AdvertiserJson, PartnerParameters},
};
use crate::flows::Catalog;

/// Advertisers
///
/// By name, unless `sort` says otherwise.
#[utoipa::path(
    tag = "Advertisers",
    security(("apiToken" = ["read"])),
    params(PartnerParameters, Page),
    responses(
        (status = 200, description = "A page of them.", body = ListBody<AdvertiserJson>),
        (status = 400, description = "A parameter can not be read, or is none of this list's.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/advertisers")]
pub async fn list_advertisers(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Result<Page, Problem>,
    Query(parameters): Query<PartnerParameters>,
) -> Result<Json<ListBody<AdvertiserJson>>, Problem> {
    caller.require_read_tenant()?;
    let (page, (filter, sort)) = Page::beside(page, parameters.read())?;
    let found = catalog.list_advertisers(caller.tenant, &filter, sort, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(AdvertiserJson::from).collect(), found.total)))
}
