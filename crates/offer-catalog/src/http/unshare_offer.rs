//! `DELETE /api/v1/offers/{offerId}/share`: always refused, with the sentence that says what to do instead.

use actix_web::{HttpResponse, delete, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use crate::flows::Catalog;

/// Unshare an offer: never
///
/// A shared offer belongs to its publisher for ever. The answer says what to do instead.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["write"])),
    params(("offer_id" = Uuid, Path)),
    responses(
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "Always.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[delete("/api/v1/offers/{offer_id}/share")]
pub async fn unshare_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    offer_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    catalog.unshare_offer(caller.tenant, OfferId::from_uuid(*offer_id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
