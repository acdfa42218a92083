//! `GET /api/v1/audit-log`: who did what, newest first.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, Query, auth::Caller};
use serde::Deserialize;
use uuid::Uuid;

use super::{answers, json::AuditJson};
use crate::flows::Catalog;

/// Of which thing.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only about the thing with this id.
    subject: Option<Uuid>,
}

/// The audit log, newest first
#[utoipa::path(
    tag = "Audit log",
    security(("apiToken" = [])),
    params(Filter, Page),
    responses((status = 200, description = "A page of it.", body = ListBody<AuditJson>)),
)]
#[get("/api/v1/audit-log")]
pub async fn list_audit_log(
    caller: Caller,
    catalog: web::Data<Catalog>,
    page: Page,
    Query(filter): Query<Filter>,
) -> Result<Json<ListBody<AuditJson>>, Problem> {
    caller.require_write()?;
    let found = catalog.audit_log(caller.tenant, filter.subject, answers::window(page)).await?;
    Ok(Json(page.of(found.items.into_iter().map(AuditJson::from).collect(), found.total)))
}
