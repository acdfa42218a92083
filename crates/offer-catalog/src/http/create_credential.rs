//! `POST /api/v1/credentials`: the tenant's global postback, or an advertiser's.

use actix_web::{HttpResponse, post, web};
use http_kit::{Problem, ProblemBody, auth::Caller};

use super::{
    answers,
    json::{CredentialBody, CredentialJson},
};
use crate::flows::Catalog;

/// Issue a postback credential
///
/// For the tenant, or for one of its advertisers: then only that advertiser's offers can match. Masked; reveal shows it.
#[utoipa::path(
    tag = "Credentials",
    security(("apiToken" = [])),
    request_body = Option<CredentialBody>,
    responses(
        (status = 201, description = "The credential, masked.", body = CredentialJson),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/credentials")]
pub async fn create_credential(
    caller: Caller,
    catalog: web::Data<Catalog>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    caller.require_owner()?;
    let advertiser = answers::optional_body::<CredentialBody>(&body)?.read()?;
    let credential = catalog.issue_credential(caller.tenant, caller.token, advertiser).await?;
    Ok(answers::created(&CredentialJson::from(credential)))
}
