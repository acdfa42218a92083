//! `POST /api/v1/offers/{offerId}/preview`: what a change would touch.

use actix_web::{post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::json::{OfferBody, PreviewJson};
use crate::flows::Catalog;

/// What saving an offer would touch
///
/// Takes what a PUT takes and saves nothing: every field that would change, for which clicks, what the linter would say,
/// and what would stop it. How many journeys and postbacks that are, the catalog does not know.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["read"])),
    params(("offer_id" = Uuid, Path)),
    request_body = OfferBody,
    responses(
        (status = 200, description = "The change.", body = PreviewJson),
        (status = 400, description = "The body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It has ended, or an Event ID belongs to another event of it for ever.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers/{offer_id}/preview")]
pub async fn preview_change(
    caller: Caller,
    catalog: web::Data<Catalog>,
    offer_id: web::Path<Uuid>,
    body: Json<OfferBody>,
) -> Result<Json<PreviewJson>, Problem> {
    caller.require_read_tenant()?;
    let (fields, codes) = body.0.read()?;
    let id = OfferId::from_uuid(*offer_id);
    let preview = catalog.preview_change(caller.tenant, id, fields, &codes).await?;
    PreviewJson::of(preview).map(Json).map_err(Problem::internal)
}
