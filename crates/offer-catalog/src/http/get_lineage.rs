//! `GET /api/v1/offers/{offerId}/lineage`.

use actix_web::{get, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::json::{LineageJson, OfferSummaryJson};
use crate::{
    domain::records::Offer,
    flows::{Catalog, Lineage},
};

/// The lineage of an offer, with its summed budget
///
/// What it was cloned from, up to the first, and every clone. Each has a budget of its own; here they are added up.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["read"])),
    params(("offer_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The offers and their budgets.", body = LineageJson),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/offers/{offer_id}/lineage")]
pub async fn get_lineage(
    caller: Caller,
    catalog: web::Data<Catalog>,
    offer_id: web::Path<Uuid>,
) -> Result<Json<LineageJson>, Problem> {
    caller.require_read_tenant()?;
    let found = catalog.lineage(caller.tenant, OfferId::from_uuid(*offer_id)).await?;
    let Lineage { offers, budgets, advertiser_budget, domain } = found;
    let summary = |offer: Offer| {
        let (status, link) = (catalog.display_status(&offer), catalog.tracking_link(&offer, &domain));
        OfferSummaryJson::new(offer, status, link)
    };
    let offers = offers.into_iter().map(summary).collect();
    Ok(Json(LineageJson::new(budgets, advertiser_budget, offers)))
}
