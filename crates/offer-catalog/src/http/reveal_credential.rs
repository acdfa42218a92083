//! `POST /api/v1/credentials/{credentialId}/reveal`: the eye icon.

use actix_web::{HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::CredentialId;
use uuid::Uuid;

use super::{answers, json::RevealedJson};
use crate::flows::Catalog;

/// Show a postback credential
///
/// The URL and the three values to paste into AppsFlyer, once for Install and once for In-App Events. Audited.
#[utoipa::path(
    tag = "Credentials",
    security(("apiToken" = ["write"])),
    params(("credential_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The values.", body = RevealedJson),
        (status = 404, description = "No such credential.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "The credential is revoked, or the server key that made its values was retired.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/credentials/{credential_id}/reveal")]
pub async fn reveal_credential(
    caller: Caller,
    catalog: web::Data<Catalog>,
    credential_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let id = CredentialId::from_uuid(*credential_id);
    let revealed = catalog.reveal_credential(caller.tenant, caller.token, id).await?;
    Ok(answers::secret(&RevealedJson::from(revealed)))
}
