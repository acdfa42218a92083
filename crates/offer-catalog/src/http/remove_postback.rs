//! `DELETE /api/v1/publishers/{publisherId}/postbacks/{endpointId}`.

use actix_web::{HttpResponse, delete, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use kernel::{EndpointId, PublisherId};
use uuid::Uuid;

use crate::flows::Catalog;

/// Remove a postback
///
/// What it heard of goes to the next less specific one from then on.
#[utoipa::path(
    tag = "Publishers",
    security(("apiToken" = ["write"])),
    params(("publisher_id" = Uuid, Path), ("endpoint_id" = Uuid, Path)),
    responses(
        (status = 204, description = "Removed."),
        (status = 404, description = "No such publisher or postback.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[delete("/api/v1/publishers/{publisher_id}/postbacks/{endpoint_id}")]
pub async fn remove_postback(
    caller: Caller,
    catalog: web::Data<Catalog>,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    caller.require_write()?;
    let (publisher, endpoint) = (PublisherId::from_uuid(path.0), EndpointId::from_uuid(path.1));
    catalog.remove_postback(caller.tenant, caller.token, publisher, endpoint).await?;
    Ok(HttpResponse::NoContent().finish())
}
