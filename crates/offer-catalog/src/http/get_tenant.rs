//! `GET /api/v1/tenants/me`: the caller's tenant.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};

use super::json::TenantJson;
use crate::flows::Catalog;

/// The tenant of the token
#[utoipa::path(
    tag = "Tenants",
    security(("apiToken" = [])),
    responses((status = 200, description = "The tenant.", body = TenantJson)),
)]
#[get("/api/v1/tenants/me")]
pub async fn get_tenant(caller: Caller, catalog: web::Data<Catalog>) -> Result<Json<TenantJson>, Problem> {
    caller.require_read_tenant()?;
    Ok(Json(catalog.tenant(caller.tenant).await?.into()))
}
