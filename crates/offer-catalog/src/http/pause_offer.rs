//! `POST /api/v1/offers/{offerId}/pause`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{
    answers,
    json::{OfferJson, PauseBody},
    reading::Reader,
};
use crate::flows::Catalog;

/// Pause an offer
///
/// Stops new clicks; with stopAll, also new events of journeys under way.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["write"])),
    params(("offer_id" = Uuid, Path), answers::IfMatch),
    request_body = Option<PauseBody>,
    responses(
        (status = 200, description = "The offer.", body = OfferJson),
        (status = 400, description = "If-Match or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It is a draft, or has ended.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it since.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers/{offer_id}/pause")]
pub async fn pause_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    offer_id: web::Path<Uuid>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = OfferId::from_uuid(*offer_id);
    let body: PauseBody = answers::optional_body(&body)?;
    let mut reader = Reader::new();
    reader.refuse_unknown(&body.unknown);
    let stop_all = reader.flag("stopAll", body.stop_all).unwrap_or_default();
    let stop_all = reader.finish(Some(stop_all))?;
    let expected = answers::expected_revision(&request)?;
    let offer = catalog.pause_offer(caller.tenant, caller.token, id, stop_all, expected).await?;
    Ok(answers::offer(&offer.into()))
}
