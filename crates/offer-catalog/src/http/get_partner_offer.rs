//! `GET /api/v1/sdk-offer-management/partner/{id}`.

use actix_web::{HttpRequest, HttpResponse, get, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{
    json::PartnerOfferJson,
    partner_door::PartnerDoor,
    seen::{self, HasSeen},
};
use crate::flows::Catalog;

/// One offer that is shared with you
#[utoipa::path(
    tag = "Partner feed",
    security(("apiToken" = ["partner"])),
    params(("offer_id" = Uuid, Path), ("If-None-Match" = Option<String>, Header, description = seen::ABOUT)),
    responses(
        (status = 200, description = "The offer.", body = PartnerOfferJson, headers(("ETag" = String, description = "For If-None-Match."))),
        (status = 304, description = "It has not changed since the answer with this `ETag`."),
        (status = 400, description = "The id can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 403, description = "The token is not a publisher's.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such offer is shared with you.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 429, description = "The token calls too often; `Retry-After` says when it may again.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/sdk-offer-management/partner/{offer_id}")]
pub async fn get_partner_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    door: web::Data<PartnerDoor>,
    request: HttpRequest,
    offer_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let publisher = door.enter(&caller)?;
    let seen = HasSeen::of(&request, catalog.partner_form());
    let found = catalog.partner_offer(caller.tenant, publisher, OfferId::from_uuid(*offer_id)).await?;
    let version = found.offer.version;
    let news = if seen.has(version) { None } else { Some(PartnerOfferJson::from(found)) };
    Ok(seen.answer(version, news.as_ref()))
}
