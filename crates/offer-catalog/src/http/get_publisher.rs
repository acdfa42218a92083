//! `GET /api/v1/publishers/{publisherId}`.

use actix_web::{HttpResponse, get, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::PublisherId;
use uuid::Uuid;

use super::{answers, json::PublisherJson};
use crate::flows::Catalog;

/// One publisher
#[utoipa::path(
    tag = "Publishers",
    security(("apiToken" = ["read"])),
    params(("publisher_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The publisher.", body = PublisherJson),
        (status = 404, description = "No such publisher.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/publishers/{publisher_id}")]
pub async fn get_publisher(
    caller: Caller,
    catalog: web::Data<Catalog>,
    publisher_id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_read_tenant()?;
    let publisher = catalog.publisher(caller.tenant, PublisherId::from_uuid(*publisher_id)).await?;
    Ok(answers::tagged(publisher.revision, &PublisherJson::from(publisher)))
}
