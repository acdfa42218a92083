//! `POST /api/v1/offers/{offerId}/create`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{answers, json::OfferJson};
use crate::flows::Catalog;

/// Create an offer
///
/// Saves the draft as version 1. Distributes nothing. The answer names everything that stops it at once.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = [])),
    params(("offer_id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The ETag as it was read.")),
    responses(
        (status = 200, description = "The offer.", body = OfferJson),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It is created already.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it since.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Required fields are missing, or the linter has errors.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers/{offer_id}/create")]
pub async fn create_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    offer_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = OfferId::from_uuid(*offer_id);
    let offer =
        catalog.create_offer(caller.tenant, caller.token, id, answers::expected_revision(&request)?).await?;
    Ok(answers::offer(&offer.into()))
}
