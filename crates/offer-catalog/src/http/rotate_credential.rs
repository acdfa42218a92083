//! `POST /api/v1/credentials/{credentialId}/rotate`.

use actix_web::{post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::CredentialId;
use uuid::Uuid;

use super::{
    answers,
    json::{CredentialJson, RotateBody},
};
use crate::flows::Catalog;

/// Rotate a postback credential
///
/// Issues new values; the old ones work on for the overlap.
#[utoipa::path(
    tag = "Credentials",
    security(("apiToken" = ["manage"])),
    params(("credential_id" = Uuid, Path)),
    request_body = Option<RotateBody>,
    responses(
        (status = 200, description = "The credential with its new generation, masked.", body = CredentialJson),
        (status = 404, description = "No such credential.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "The credential is revoked.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/credentials/{credential_id}/rotate")]
pub async fn rotate_credential(
    caller: Caller,
    catalog: web::Data<Catalog>,
    credential_id: web::Path<Uuid>,
    body: web::Bytes,
) -> Result<Json<CredentialJson>, Problem> {
    caller.require_owner()?;
    let overlap = answers::optional_body::<RotateBody>(&body)?.read()?;
    let id = CredentialId::from_uuid(*credential_id);
    Ok(Json(catalog.rotate_credential(caller.tenant, caller.token, id, overlap).await?.into()))
}
