//! `POST /api/v1/publishers/{publisherId}/postbacks/{endpointId}/rotate-secret`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::{EndpointId, PublisherId};
use uuid::Uuid;

use super::{
    answers,
    json::{KeyedEndpointJson, RotateSecretBody},
    once,
};
use crate::flows::Catalog;

/// Rotate a signing secret
///
/// The new one is shown this once. Postbacks carry signatures of both until the overlap is over; of three secrets the oldest
/// ends at once.
#[utoipa::path(
    tag = "Publishers",
    security(("apiToken" = ["write"])),
    params(
        ("publisher_id" = Uuid, Path),
        ("endpoint_id" = Uuid, Path),
        once::IdempotencyKey,
    ),
    request_body = Option<RotateSecretBody>,
    responses(
        (status = 200, description = "The postback and its new signing secret.", body = KeyedEndpointJson),
        (status = 400, description = "The Idempotency-Key or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such publisher or postback.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "A call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/publishers/{publisher_id}/postbacks/{endpoint_id}/rotate-secret")]
pub async fn rotate_secret(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    path: web::Path<(Uuid, Uuid)>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let (publisher, endpoint) = (PublisherId::from_uuid(path.0), EndpointId::from_uuid(path.1));
    let body = answers::optional_body::<RotateSecretBody>(&body)?;
    let written = |rotated| once::changed_secret(&KeyedEndpointJson::from(rotated));
    let once = once::once(&caller, &request, &body, written)?;
    let place = (publisher, endpoint);
    let rotated =
        catalog.rotate_signing_secret(caller.tenant, caller.token, place, body.read()?, &once).await?;
    Ok(once::told(&rotated))
}
