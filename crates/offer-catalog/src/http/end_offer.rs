//! `POST /api/v1/offers/{offerId}/end`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{answers, json::OfferJson};
use crate::flows::Catalog;

/// End an offer
///
/// For good. Journeys under way keep counting.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["write"])),
    params(("offer_id" = Uuid, Path), answers::IfMatch),
    responses(
        (status = 200, description = "The offer.", body = OfferJson),
        (status = 400, description = "If-Match or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It is a draft.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it since.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers/{offer_id}/end")]
pub async fn end_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    offer_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = OfferId::from_uuid(*offer_id);
    let expected = answers::expected_revision(&request)?;
    let offer = catalog.end_offer(caller.tenant, caller.token, id, expected).await?;
    Ok(answers::offer(&offer.into()))
}
