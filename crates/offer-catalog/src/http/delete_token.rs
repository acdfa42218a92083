//! `DELETE /api/v1/tokens/{tokenId}`: an owner takes a token back.

use actix_web::{HttpResponse, delete, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::TokenId;
use uuid::Uuid;

use crate::flows::Catalog;

/// Revoke an API token
///
/// It stops working within 5 seconds everywhere. Revoking it again changes nothing.
#[utoipa::path(
    tag = "Tokens",
    security(("apiToken" = ["manage"])),
    params(("token_id" = Uuid, Path, description = "The token's id, not its text.")),
    responses(
        (status = 204, description = "Revoked."),
        (status = 404, description = "No such token.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[delete("/api/v1/tokens/{token_id}")]
pub async fn delete_token(
    caller: Caller,
    catalog: web::Data<Catalog>,
    token_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_owner()?;
    catalog.revoke_token(caller.tenant, caller.token, TokenId::from_uuid(*token_id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
