//! `GET /api/v1/creatives/{creativeId}`.

use actix_web::{get, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use kernel::CreativeId;
use uuid::Uuid;

use super::json::UploadedCreativeJson;
use crate::flows::Catalog;

/// One uploaded picture
#[utoipa::path(
    tag = "Creatives",
    security(("apiToken" = ["read"])),
    params(("creative_id" = Uuid, Path)),
    responses(
        (status = 200, description = "What is known of it; `url` and `thumbnailUrl` say where it is.", body = UploadedCreativeJson),
        (status = 404, description = "No such creative.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/creatives/{creative_id}")]
pub async fn get_creative(
    caller: Caller,
    catalog: web::Data<Catalog>,
    creative_id: web::Path<Uuid>,
) -> Result<Json<UploadedCreativeJson>, Problem> {
    caller.require_read_tenant()?;
    Ok(Json(catalog.creative(caller.tenant, CreativeId::from_uuid(*creative_id)).await?.into()))
}
