//! `GET /api/v1/offers/{offerId}/versions`.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{answers, json::VersionJson};
use crate::flows::Catalog;

/// All versions of an offer, oldest first
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["read"])),
    params(("offer_id" = Uuid, Path), Page),
    responses(
        (status = 200, description = "A page of them; none of a draft.", body = ListBody<VersionJson>),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/offers/{offer_id}/versions")]
pub async fn list_offer_versions(
    caller: Caller,
    catalog: web::Data<Catalog>,
    offer_id: web::Path<Uuid>,
    page: Page,
) -> Result<Json<ListBody<VersionJson>>, Problem> {
    caller.require_read_tenant()?;
    let id = OfferId::from_uuid(*offer_id);
    let found = catalog.offer_versions(caller.tenant, id, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(VersionJson::from).collect(), found.total)))
}
