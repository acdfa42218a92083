//! `GET /api/v1/statement-periods`: the months of a tenant's ledger.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api,
    bodies::{self, PeriodBody},
    error, scope,
};
use crate::flows::statements;

/// The periods of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeriodsBody {
    /// Newest first. A month without any transfer has none.
    items: Vec<PeriodBody>,
}

/// The months of the ledger
///
/// Calendar months in the tenant's zone, as it was when each was made. Every ledger row belongs to one of them.
#[utoipa::path(
    tag = "statements",
    security(("apiToken" = ["read-own"])),
    responses((status = 200, description = "The periods", body = PeriodsBody))
)]
#[get("/api/v1/statement-periods")]
pub async fn list_periods(caller: Caller, api: web::Data<Api>) -> Result<Json<PeriodsBody>, Problem> {
    let scope = scope(&caller)?;
    let rows = statements::list_periods(&api.pool, scope.tenant).await.map_err(error::of_store)?;
    Ok(Json(PeriodsBody { items: rows.iter().map(bodies::period).collect() }))
}
