//! `POST /api/v1/offers/{offerId}/resume`.

use actix_web::{HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{answers, json::OfferJson};
use crate::flows::Catalog;

/// Resume an offer
///
/// Clicks, and events if they were stopped, count again.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = [])),
    params(("offer_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The offer.", body = OfferJson),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It is a draft, or has ended.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers/{offer_id}/resume")]
pub async fn resume_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    offer_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = OfferId::from_uuid(*offer_id);
    let offer = catalog.resume_offer(caller.tenant, caller.token, id).await?;
    Ok(answers::offer(&offer.into()))
}
