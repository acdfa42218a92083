//! `GET /api/v1/tenants/me`: the caller's tenant.

use actix_web::{HttpResponse, get, web};
use http_kit::{Problem, auth::Caller};

use super::{answers, json::TenantJson};
use crate::flows::Catalog;

/// The tenant of the token
#[utoipa::path(
    tag = "Tenants",
    security(("apiToken" = ["read"])),
    responses((status = 200, description = "The tenant.", body = TenantJson)),
)]
#[get("/api/v1/tenants/me")]
pub async fn get_tenant(caller: Caller, catalog: web::Data<Catalog>) -> Result<HttpResponse, Problem> {
    caller.require_read_tenant()?;
    let tenant = catalog.tenant(caller.tenant).await?;
    Ok(answers::tagged(tenant.revision, &TenantJson::from(tenant)))
}
