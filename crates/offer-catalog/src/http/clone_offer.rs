//! `POST /api/v1/offers/{offerId}/clone`.

use actix_web::{HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{answers, json::OfferJson};
use crate::flows::Catalog;

/// Clone an offer
///
/// Copies everything into a new draft without a share: the way to another publisher.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = [])),
    params(("offer_id" = Uuid, Path)),
    responses(
        (status = 201, description = "The offer.", body = OfferJson),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers/{offer_id}/clone")]
pub async fn clone_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    offer_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = OfferId::from_uuid(*offer_id);
    let offer = catalog.clone_offer(caller.tenant, caller.token, id).await?;
    Ok(answers::created_offer(&offer.into()))
}
