//! `POST /api/v1/offers/{offerId}/share`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{
    answers,
    json::{OfferJson, ShareBody, ShareWith, SharedJson},
    once,
};
use crate::flows::{Catalog, Conditions};

/// Share an offer with a publisher, or clones of it with several
///
/// With publisherId: binds the offer to that publisher for ever and answers the tracking link. To share with another
/// publisher, clone it. With publisherIds: makes, creates and shares one clone for each, all or nothing; the offer itself
/// stays as it is, and clones of one that has launched launch now.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = ["write"])),
    params(("offer_id" = Uuid, Path), answers::IfMatch, once::IdempotencyKey),
    request_body = ShareBody,
    responses(
        (status = 200, description = "With publisherId: the offer.", body = OfferJson),
        (status = 201, description = "With publisherIds: the clones.", body = SharedJson),
        (status = 400, description = "A header or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It is a draft, has ended, or is shared already: clone it. Or a call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it since.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "No such publisher, the linter has errors, or warnings that nobody has accepted.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers/{offer_id}/share")]
pub async fn share_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    offer_id: web::Path<Uuid>,
    body: Json<ShareBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let (by, id) = ((caller.tenant, caller.token), OfferId::from_uuid(*offer_id));
    let expected = answers::expected_revision(&request)?;
    let one = once::once(&caller, &request, &body.0, once::offer)?;
    let several = once::once(&caller, &request, &body.0, |views| once::created(&SharedJson::from(views)))?;
    let (with, codes) = body.0.read()?;
    let on = Conditions { expected, codes };
    let answer = match with {
        ShareWith::One(publisher) => catalog.share_offer(by, id, publisher, &on, &one).await?,
        ShareWith::Several(with) => catalog.share_with_several(by, id, &with, &on, &several).await?,
    };
    Ok(once::told(&answer))
}
