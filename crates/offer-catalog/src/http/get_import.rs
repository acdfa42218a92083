//! `GET /api/v1/integrations/offer-providers/custom/imports/{importId}`: how far it is.

use actix_web::{get, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use uuid::Uuid;

use super::json::ImportJson;
use crate::flows::Catalog;

/// How far an import is
#[utoipa::path(
    tag = "Imports",
    security(("apiToken" = ["read"])),
    params(("import_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The import.", body = ImportJson),
        (status = 404, description = "No such import.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/integrations/offer-providers/custom/imports/{import_id}")]
pub async fn get_import(
    caller: Caller,
    catalog: web::Data<Catalog>,
    import_id: web::Path<Uuid>,
) -> Result<Json<ImportJson>, Problem> {
    caller.require_read_tenant()?;
    Ok(Json(catalog.import(caller.tenant, *import_id).await?.into()))
}
