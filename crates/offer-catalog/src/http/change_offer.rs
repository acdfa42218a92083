//! `PUT /api/v1/offers/{offerId}`: overwrites a draft, or makes a new version.

use actix_web::{HttpRequest, HttpResponse, put, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{
    answers,
    json::{OfferBody, OfferJson},
};
use crate::flows::{Catalog, Conditions};

/// Save an offer
///
/// Replaces everything that was entered. A draft is overwritten; a created offer gets a new immutable version, which must
/// not bring a warning that nobody accepts. With If-Match, only when nobody has changed it since; without it, the last one
/// to save wins. Saving what is there already changes nothing.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["write"])),
    params(("offer_id" = Uuid, Path), answers::IfMatch),
    request_body = OfferBody,
    responses(
        (status = 200, description = "The offer.", body = OfferJson),
        (status = 400, description = "If-Match or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It has ended, or an Event ID belongs to another event of it for ever.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it since.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, or a created offer would not pass the linter or bring warnings that nobody has accepted.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[put("/api/v1/offers/{offer_id}")]
pub async fn change_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    offer_id: web::Path<Uuid>,
    body: Json<OfferBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = OfferId::from_uuid(*offer_id);
    let expected = answers::expected_revision(&request)?;
    let (fields, codes) = body.0.read()?;
    let on = Conditions { expected, codes };
    let changed = catalog.change_offer(caller.tenant, caller.token, id, fields, &on).await?;
    Ok(answers::offer(&changed.into()))
}
