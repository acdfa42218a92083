//! `POST /api/v1/offers`: begins a draft.

use actix_web::{HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::{
    answers,
    json::{OfferBody, OfferJson},
};
use crate::flows::Catalog;

/// Begin an offer
///
/// Saves a draft, which may lack anything; the answer's findings say what creation will ask for.
#[utoipa::path(
    tag = "Offers",
    security(("apiToken" = [])),
    request_body = OfferBody,
    responses(
        (status = 201, description = "The draft.", body = OfferJson),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/offers")]
pub async fn draft_offer(
    caller: Caller,
    catalog: web::Data<Catalog>,
    body: Json<OfferBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let draft = catalog.draft_offer(caller.tenant, caller.token, body.0.read()?).await?;
    Ok(answers::created_offer(&draft.into()))
}
