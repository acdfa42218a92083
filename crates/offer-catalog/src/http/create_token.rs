//! `POST /api/v1/tokens`: an owner issues a token.

use actix_web::{HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::{
    answers,
    json::{IssuedTokenJson, TokenBody},
};
use crate::flows::Catalog;

/// Issue an API token
///
/// The token is shown this once.
#[utoipa::path(
    tag = "Tokens",
    security(("apiToken" = [])),
    request_body = TokenBody,
    responses(
        (status = 201, description = "The token.", body = IssuedTokenJson),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/tokens")]
pub async fn create_token(
    caller: Caller,
    catalog: web::Data<Catalog>,
    body: Json<TokenBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_owner()?;
    let issued = catalog.issue_token(caller.tenant, caller.token, body.0.read()?).await?;
    Ok(answers::created_secret(&IssuedTokenJson::from(issued)))
}
