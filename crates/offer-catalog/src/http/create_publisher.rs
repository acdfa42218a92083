//! `POST /api/v1/publishers`: with the one place where it is told.

use actix_web::{HttpRequest, HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::{
    json::{CreatedPublisherJson, PublisherBody},
    once,
};
use crate::flows::Catalog;

/// Make a publisher
///
/// With a postback, answers also the secret that signs it, which is shown this once. Unknown macros are refused, and so
/// is a private address, such as 10.0.0.1 or localhost, unless the operator allows its network: it would never be called.
#[utoipa::path(
    tag = "Publishers",
    security(("apiToken" = ["write"])),
    params(once::IdempotencyKey),
    request_body = PublisherBody,
    responses(
        (status = 201, description = "The publisher and its signing secret.", body = CreatedPublisherJson),
        (status = 400, description = "The Idempotency-Key or the body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "A call with this Idempotency-Key is under way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/publishers")]
pub async fn create_publisher(
    caller: Caller,
    catalog: web::Data<Catalog>,
    request: HttpRequest,
    body: Json<PublisherBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let written = |made| once::created_secret(&CreatedPublisherJson::from(made));
    let once = once::once(&caller, &request, &body.0, written)?;
    let (fields, endpoint) = body.0.read(catalog.addresses())?;
    Ok(once::told(&catalog.create_publisher(caller.tenant, caller.token, fields, endpoint, &once).await?))
}
