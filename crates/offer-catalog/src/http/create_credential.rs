//! `POST /api/v1/credentials`: the tenant's global postback, or an advertiser's.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};

use super::{
    answers,
    json::{CredentialBody, CredentialJson},
    once,
};
use crate::flows::Catalog;

/// Issue a postback credential
///
/// For the tenant, or for one of its advertisers: then only that advertiser's offers can match. Masked; reveal shows it.
#[utoipa::path(
    tag = "Credentials",
    security(("apiToken" = ["manage"])),
    params(once::IdempotencyKey),
    request_body = Option<CredentialBody>,
    responses(
        (status = 201, description = "The credential, masked.", body = CredentialJson),
        (status = 400, description = "The Idempotency-Key or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "A call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/credentials")]
pub async fn create_credential(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    caller.require_owner()?;
    let body = answers::optional_body::<CredentialBody>(&body)?;
    let once = once::once(&caller, &request, &body, |issued| once::created(&CredentialJson::from(issued)))?;
    Ok(once::told(&catalog.issue_credential(caller.tenant, caller.token, body.read()?, &once).await?))
}
