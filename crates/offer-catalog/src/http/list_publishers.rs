//! `GET /api/v1/publishers`: a page of them.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, ProblemBody, Query, auth::Caller};

use super::{
    answers,
    json::{PartnerParameters, PublisherJson},
};
use crate::flows::Catalog;

/// Publishers
///
/// By name, unless `sort` says otherwise.
#[utoipa::path(
    tag = "Publishers",
    security(("apiToken" = ["read"])),
    params(PartnerParameters, Page),
    responses(
        (status = 200, description = "A page of them.", body = ListBody<PublisherJson>),
        (status = 400, description = "A parameter can not be read, or is none of this list's.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/publishers")]
pub async fn list_publishers(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Result<Page, Problem>,
    Query(parameters): Query<PartnerParameters>,
) -> Result<Json<ListBody<PublisherJson>>, Problem> {
    caller.require_read_tenant()?;
    let (page, (filter, sort)) = Page::beside(page, parameters.read())?;
    let found = catalog.list_publishers(caller.tenant, &filter, sort, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(PublisherJson::from).collect(), found.total)))
}
