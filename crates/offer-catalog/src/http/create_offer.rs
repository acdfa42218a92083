//! `POST /api/v1/offers/{offerId}/create`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{
    answers,
    json::{CreateBody, OfferJson},
    once,
};
use crate::flows::{Catalog, Conditions};

/// Create an offer
///
/// Saves the draft as version 1. Distributes nothing. The answer names everything that stops it at once. Warnings stop it
/// until they are accepted, which is audited.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["write"])),
    params(("offer_id" = Uuid, Path), answers::IfMatch, once::IdempotencyKey),
    request_body = Option<CreateBody>,
    responses(
        (status = 200, description = "The offer.", body = OfferJson),
        (status = 400, description = "A header or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It is created already, or a call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it since.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Required fields are missing, the linter has errors, or warnings that nobody has accepted.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers/{offer_id}/create")]
pub async fn create_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    offer_id: web::Path<Uuid>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = OfferId::from_uuid(*offer_id);
    let body: CreateBody = answers::optional_body(&body)?;
    let once = once::once(&caller, &request, &body, once::offer)?;
    let on = Conditions { expected: answers::expected_revision(&request)?, codes: body.read()? };
    Ok(once::told(&catalog.create_offer(caller.tenant, caller.token, id, &on, &once).await?))
}
