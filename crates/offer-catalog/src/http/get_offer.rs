//! `GET /api/v1/offers/{offerId}`.

use actix_web::{HttpResponse, get, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{answers, json::OfferJson};
use crate::flows::Catalog;

/// One offer
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["read"])),
    params(("offer_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The offer.", body = OfferJson),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/offers/{offer_id}")]
pub async fn get_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    offer_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_read_tenant()?;
    let found = catalog.offer(caller.tenant, OfferId::from_uuid(*offer_id)).await?;
    Ok(answers::offer(&found.into()))
}
