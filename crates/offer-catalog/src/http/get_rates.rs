//! `GET /api/v1/tenants/me/rates`: the tenant's rate table.

use actix_web::{HttpResponse, get, web};
use http_kit::{Problem, auth::Caller};

use super::{answers, json::RatesJson};
use crate::flows::Catalog;

/// The tenant's rate table
///
/// What amounts of other currencies are converted with. Its `ETag` is the tenant's.
#[utoipa::path(
    tag = "Tenants",
    security(("apiToken" = ["read"])),
    responses((status = 200, description = "The rates.", body = RatesJson)),
)]
#[get("/api/v1/tenants/me/rates")]
pub async fn get_rates(caller: Caller, catalog: web::Data<Catalog>) -> Result<HttpResponse, Problem> {
    caller.require_read_tenant()?;
    let tenant = catalog.tenant(caller.tenant).await?;
    Ok(answers::tagged(tenant.revision, &RatesJson::from(tenant)))
}
