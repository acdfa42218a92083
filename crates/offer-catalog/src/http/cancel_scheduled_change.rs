//! `DELETE /api/v1/offers/{offerId}/scheduled-changes/{changeId}`.

use actix_web::{HttpResponse, delete, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use crate::flows::Catalog;

/// Cancel a scheduled change
///
/// Cancelling it again changes nothing.
#[utoipa::path(
    tag = "Scheduled changes",
    security(("apiToken" = ["write"])),
    params(("offer_id" = Uuid, Path), ("change_id" = Uuid, Path)),
    responses(
        (status = 204, description = "Cancelled."),
        (status = 404, description = "No such offer or change.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It was applied or has failed already.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[delete("/api/v1/offers/{offer_id}/scheduled-changes/{change_id}")]
pub async fn cancel_scheduled_change(
    caller: Caller,
    catalog: web::Data<Catalog>,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let (offer, change) = *path;
    catalog.cancel_scheduled_change(caller.tenant, caller.token, OfferId::from_uuid(offer), change).await?;
    Ok(HttpResponse::NoContent().finish())
}
