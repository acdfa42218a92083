//! `POST /api/v1/publishers`: with the one place where it is told.

use actix_web::{HttpResponse, post, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};

use super::{
    answers,
    json::{CreatedPublisherJson, PublisherBody},
};
use crate::flows::Catalog;

/// Make a publisher
///
/// With a postback, answers also the secret that signs it, which is shown this once. Unknown macros are refused.
#[utoipa::path(
    tag = "Publishers",
    security(("apiToken" = [])),
    request_body = PublisherBody,
    responses(
        (status = 201, description = "The publisher and its signing secret.", body = CreatedPublisherJson),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[post("/api/v1/publishers")]
pub async fn create_publisher(
    caller: Caller,
    catalog: web::Data<Catalog>,
    body: Json<PublisherBody>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let (fields, endpoint) = body.0.read()?;
    let created = catalog.create_publisher(caller.tenant, caller.token, fields, endpoint).await?;
    Ok(answers::created_secret(&CreatedPublisherJson::from(created)))
}
