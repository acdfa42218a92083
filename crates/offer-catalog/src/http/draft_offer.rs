//! `POST /api/v1/offers`: begins a draft.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::{
    json::{OfferBody, OfferJson},
    once,
};
use crate::flows::Catalog;

/// Begin an offer
///
/// Saves a draft, which may lack anything; the answer's findings say what creation will ask for.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["write"])),
    params(once::IdempotencyKey),
    request_body = OfferBody,
    responses(
        (status = 201, description = "The draft.", body = OfferJson),
        (status = 400, description = "The Idempotency-Key or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "A call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers")]
pub async fn draft_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    body: Json<OfferBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let once = once::once(&caller, &request, &body.0, once::created_offer)?;
    let (fields, codes) = body.0.read()?;
    Ok(once::told(&catalog.draft_offer(caller.tenant, caller.token, fields, &codes, &once).await?))
}
