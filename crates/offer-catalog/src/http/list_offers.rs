//! `GET /api/v1/offers`: a page of them, newest first.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, ProblemBody, Query, auth::Caller};

use super::{
    answers,
    json::{OfferParameters, OfferSummaryJson},
};
use crate::{domain::records::Offer, flows::Catalog};

/// Offers
///
/// The newest first, unless `sort` says otherwise.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["read"])),
    params(OfferParameters, Page),
    responses(
        (status = 200, description = "A page of them.", body = ListBody<OfferSummaryJson>),
        (status = 400, description = "A parameter can not be read, or is none of this list's.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/offers")]
pub async fn list_offers(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Result<Page, Problem>,
    Query(parameters): Query<OfferParameters>,
) -> Result<Json<ListBody<OfferSummaryJson>>, Problem> {
    caller.require_read_tenant()?;
    let (page, (filter, sort)) = Page::beside(page, parameters.read())?;
    let (found, domain) = catalog.list_offers(caller.tenant, &filter, sort, answers::window(page)).await?;
    let summary = |offer: Offer| {
        let (status, link) = (catalog.display_status(&offer), catalog.tracking_link(&offer, &domain));
        OfferSummaryJson::new(offer, status, link)
    };
    Ok(Json(page.of(found.items.into_iter().map(summary).collect(), found.total)))
}
