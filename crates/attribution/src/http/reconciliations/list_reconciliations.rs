//! `GET /api/v1/reconciliations`: the reports that were sent.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, auth::Caller};

use super::body::ReconciliationBody;
use crate::{flows::reconcile::Reconciler, http::unavailable};

/// Reconciliations, the latest first
#[utoipa::path(
    tag = "Reconciliation",
    security(("apiToken" = ["read"])),
    params(Page),
    responses((status = 200, description = "A page of them, without their buckets.", body = ListBody<ReconciliationBody>)),
)]
#[get("/api/v1/reconciliations")]
pub(super) async fn list_reconciliations(
    caller: Caller,
    reconciler: web::Data<Reconciler>,
    page: Page,
) -> Result<Json<ListBody<ReconciliationBody>>, Problem> {
    caller.require_read_tenant()?;
    let found = reconciler.list(caller.tenant, page.offset(), page.limit()).await;
    let (shown, total) = found.map_err(unavailable)?;
    Ok(Json(page.of(shown.into_iter().map(ReconciliationBody::new).collect(), total)))
}
