//! `GET /api/v1/publishers/{publisherId}/postbacks`: all of them.

use actix_web::{HttpResponse, get, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::PublisherId;
use uuid::Uuid;

use super::{
    answers,
    json::{EndpointJson, EndpointsJson},
};
use crate::flows::Catalog;

/// Where a publisher is told
///
/// Of a status of an event the most specific postback hears: the event's, else the offer's, else the global one; the global one
/// also when a more specific one says so. Never more than 500.
#[utoipa::path(
    tag = "Publishers",
    security(("apiToken" = ["read"])),
    params(("publisher_id" = Uuid, Path)),
    responses(
        (status = 200, description = "All postbacks, without their secrets.", body = EndpointsJson),
        (status = 404, description = "No such publisher.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/publishers/{publisher_id}/postbacks")]
pub async fn list_postbacks(
    caller: Caller,
    catalog: web::Data<Catalog>,
    publisher_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_read_tenant()?;
    let publisher = catalog.publisher(caller.tenant, PublisherId::from_uuid(*publisher_id)).await?;
    let items = publisher.endpoints.into_iter().map(EndpointJson::from).collect();
    Ok(answers::tagged(publisher.revision, &EndpointsJson { items }))
}
