//! `GET /api/v1/bulk-statuses/{bulk_id}`: a plan, and how far it is.

use actix_web::{get, web};
use http_kit::{Json, Problem, auth::Caller};
use uuid::Uuid;

use super::{body::BulkStatusBody, unknown};
use crate::{
    flows::bulk::find,
    http::{Api, error},
};

/// A plan of many statuses and its progress
#[utoipa::path(
    tag = "bulk statuses",
    params(("bulk_id" = Uuid, Path, description = "As the dry run answered.")),
    security(("apiToken" = ["read"])),
    responses(
        (status = 200, description = "The plan as it stands", body = BulkStatusBody),
        (status = 404, description = "No such plan of this tenant; one that nobody applied is removed after its expiry"),
    )
)]
#[get("/api/v1/bulk-statuses/{bulk_id}")]
pub async fn get_bulk_status(
    caller: Caller,
    api: web::Data<Api>,
    bulk: web::Path<Uuid>,
) -> Result<Json<BulkStatusBody>, Problem> {
    caller.require_read_tenant()?;
    let found = find(&api.pool, (caller.tenant, bulk.into_inner())).await.map_err(error::of_store)?;
    Ok(Json(found.ok_or_else(unknown)?.into()))
}
