//! `POST /api/v1/offers/{offerId}/clone`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{json::OfferJson, once};
use crate::flows::Catalog;

/// Clone an offer
///
/// Copies everything into a new draft without a share: the way to another publisher.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["write"])),
    params(("offer_id" = Uuid, Path), once::IdempotencyKey),
    responses(
        (status = 201, description = "The offer.", body = OfferJson),
        (status = 400, description = "The Idempotency-Key or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "A call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "The Idempotency-Key was used for another call.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers/{offer_id}/clone")]
pub async fn clone_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    offer_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = OfferId::from_uuid(*offer_id);
    let once = once::once(&caller, &request, &(), once::created_offer)?;
    Ok(once::told(&catalog.clone_offer(caller.tenant, caller.token, id, &once).await?))
}
