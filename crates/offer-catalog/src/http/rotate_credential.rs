//! `POST /api/v1/credentials/{credentialId}/rotate`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::CredentialId;
use uuid::Uuid;

use super::{
    answers,
    json::{CredentialJson, RotateBody},
    once,
};
use crate::flows::Catalog;

/// Rotate a postback credential
///
/// Issues new values; the old ones work on for the overlap.
#[utoipa::path(
    tag = "Credentials",
    security(("apiToken" = ["manage"])),
    params(("credential_id" = Uuid, Path), once::IdempotencyKey),
    request_body = Option<RotateBody>,
    responses(
        (status = 200, description = "The credential with its new generation, masked.", body = CredentialJson),
        (status = 400, description = "The Idempotency-Key or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such credential.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "The credential is revoked, or a call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/credentials/{credential_id}/rotate")]
pub async fn rotate_credential(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    credential_id: web::Path<Uuid>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    caller.require_owner()?;
    let body = answers::optional_body::<RotateBody>(&body)?;
    let id = CredentialId::from_uuid(*credential_id);
    let once = once::once(&caller, &request, &body, |rotated| once::changed(&CredentialJson::from(rotated)))?;
    Ok(once::told(&catalog.rotate_credential(caller.tenant, caller.token, id, body.read()?, &once).await?))
}
