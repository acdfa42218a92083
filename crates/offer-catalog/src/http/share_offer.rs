//! `POST /api/v1/offers/{offerId}/share`.

use actix_web::{HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::OfferId;
use uuid::Uuid;

use super::{
    answers,
    json::{OfferJson, ShareBody},
    reading::Reader,
};
use crate::flows::Catalog;

/// Share an offer with a publisher
///
/// Binds it to that publisher for ever and answers the tracking link. To share with another publisher, clone it.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = [])),
    params(("offer_id" = Uuid, Path)),
    request_body = ShareBody,
    responses(
        (status = 200, description = "The offer.", body = OfferJson),
        (status = 404, description = "No such offer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It is a draft, has ended, or is shared already: clone it.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "No such publisher, or the linter has errors.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers/{offer_id}/share")]
pub async fn share_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    offer_id: web::Path<Uuid>,
    body: Json<ShareBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = OfferId::from_uuid(*offer_id);
    let mut reader = Reader::new();
    reader.refuse_unknown(&body.0.unknown);
    let publisher = reader.id("publisherId", body.0.publisher_id);
    let publisher = reader.required("publisherId", publisher, "the publisher it is to belong to for ever");
    let publisher = reader.finish(publisher)?;
    let offer = catalog.share_offer(caller.tenant, caller.token, id, publisher).await?;
    Ok(answers::offer(&offer.into()))
}
