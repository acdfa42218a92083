//! `POST /api/v1/credentials/{credentialId}/revoke`.

use actix_web::{post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::CredentialId;
use uuid::Uuid;

use super::json::CredentialJson;
use crate::flows::Catalog;

/// Revoke a postback credential
///
/// Every generation is refused within 5 seconds by every connected ingest. Revoking it again changes nothing.
#[utoipa::path(
    tag = "Credentials",
    security(("apiToken" = ["manage"])),
    params(("credential_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The credential, over.", body = CredentialJson),
        (status = 404, description = "No such credential.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/credentials/{credential_id}/revoke")]
pub async fn revoke_credential(
    caller: Caller,
    catalog: web::Data<Catalog>,
    credential_id: web::Path<Uuid>,
) -> Result<Json<CredentialJson>, Problem> {
    caller.require_owner()?;
    let id = CredentialId::from_uuid(*credential_id);
    Ok(Json(catalog.revoke_credential(caller.tenant, caller.token, id).await?.into()))
}
