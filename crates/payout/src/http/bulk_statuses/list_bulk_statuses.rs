//! `GET /api/v1/bulk-statuses`: the files that were sent.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, auth::Caller};

use super::body::BulkStatusBody;
use crate::{
    flows::bulk::list,
    http::{Api, error},
};

/// Plans of many statuses, the latest first
#[utoipa::path(
    tag = "bulk statuses",
    params(Page),
    security(("apiToken" = ["read"])),
    responses((status = 200, description = "A page of plans, without their progress", body = ListBody<BulkStatusBody>))
)]
#[get("/api/v1/bulk-statuses")]
pub async fn list_bulk_statuses(
    caller: Caller,
    api: web::Data<Api>,
    page: Page,
) -> Result<Json<ListBody<BulkStatusBody>>, Problem> {
    caller.require_read_tenant()?;
    let found = list(&api.pool, caller.tenant, page.offset(), page.limit()).await;
    let (shown, total) = found.map_err(error::of_store)?;
    Ok(Json(page.of(shown.into_iter().map(BulkStatusBody::from).collect(), total)))
}
