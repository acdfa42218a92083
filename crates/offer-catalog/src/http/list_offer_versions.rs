//! `GET /api/v1/offers/{offerId}/versions`.

use actix_web::{get, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::json::VersionJson;
use crate::flows::Catalog;

/// All versions of an offer, oldest first
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["read"])),
    params(("offer_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The versions; none of a draft.", body = Vec<VersionJson>),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/offers/{offer_id}/versions")]
pub async fn list_offer_versions(
    caller: Caller,
    catalog: web::Data<Catalog>,
    offer_id: web::Path<Uuid>,
) -> Result<Json<Vec<VersionJson>>, Problem> {
    caller.require_read_tenant()?;
    let versions = catalog.offer_versions(caller.tenant, OfferId::from_uuid(*offer_id)).await?;
    Ok(Json(versions.into_iter().map(VersionJson::from).collect()))
}
