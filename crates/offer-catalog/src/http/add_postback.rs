//! `POST /api/v1/publishers/{publisherId}/postbacks`: one more place where it is told.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::PublisherId;
use uuid::Uuid;

use super::{
    json::{KeyedEndpointJson, NewPostbackBody},
    once,
};
use crate::flows::Catalog;

/// Add a postback
///
/// For all offers, for one, or for one event of it. Answers also the secret that signs it, which is shown this once.
#[utoipa::path(
    tag = "Publishers",
    security(("apiToken" = ["write"])),
    params(("publisher_id" = Uuid, Path), once::IdempotencyKey),
    request_body = NewPostbackBody,
    responses(
        (status = 201, description = "The postback and its signing secret.", body = KeyedEndpointJson),
        (status = 400, description = "The Idempotency-Key or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such publisher.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "It is told of this in one place already, or has too many, or a call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/publishers/{publisher_id}/postbacks")]
pub async fn add_postback(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    publisher_id: web::Path<Uuid>,
    body: Json<NewPostbackBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = PublisherId::from_uuid(*publisher_id);
    let written = |added| once::created_secret(&KeyedEndpointJson::from(added));
    let once = once::once(&caller, &request, &body.0, written)?;
    let entered = body.0.read(catalog.addresses())?;
    Ok(once::told(&catalog.add_postback(caller.tenant, caller.token, id, entered, &once).await?))
}
