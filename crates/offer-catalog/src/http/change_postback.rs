//! `PUT /api/v1/publishers/{publisherId}/postbacks/{endpointId}`.

use actix_web::{put, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::{EndpointId, PublisherId};
use uuid::Uuid;

use super::json::{EndpointJson, PostbackChangeBody};
use crate::flows::Catalog;

/// Change a postback
///
/// Replaces how it is told; what it is for never changes, and its secret stays.
#[utoipa::path(
    tag = "Publishers",
    security(("apiToken" = ["write"])),
    params(("publisher_id" = Uuid, Path), ("endpoint_id" = Uuid, Path)),
    request_body = PostbackChangeBody,
    responses(
        (status = 200, description = "The postback.", body = EndpointJson),
        (status = 400, description = "The body can not be read.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such publisher or postback.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "Wrong fields, all of them named.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[put("/api/v1/publishers/{publisher_id}/postbacks/{endpoint_id}")]
pub async fn change_postback(
    caller: Caller,
    catalog: web::Data<Catalog>,
    path: web::Path<(Uuid, Uuid)>,
    body: Json<PostbackChangeBody>,
) -> Result<Json<EndpointJson>, Problem> {
    caller.require_write()?;
    let (publisher, endpoint) = (PublisherId::from_uuid(path.0), EndpointId::from_uuid(path.1));
    let fields = body.0.read(catalog.addresses())?;
    Ok(Json(catalog.change_postback(caller.tenant, caller.token, publisher, endpoint, fields).await?.into()))
}
