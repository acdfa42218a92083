//! `GET /api/v1/reconciliations/{reconciliation_id}`: how far it is, and what it found.

use actix_web::{get, web};
use http_kit::{Json, Problem, ProblemBody, auth::Caller};
use uuid::Uuid;

use super::body::ReconciliationBody;
use crate::{flows::reconcile::Reconciler, http::unavailable};

/// A reconciliation
///
/// How far it is, and its lines by bucket and code.
#[utoipa::path(
    tag = "Reconciliation",
    security(("apiToken" = ["read"])),
    params(("reconciliation_id" = Uuid, Path, description = "As answered when the report was sent.", example = "01935b2e-7a10-7c4e-8f00-3d2b5a6c7d8e")),
    responses(
        (status = 200, description = "The reconciliation.", body = ReconciliationBody),
        (status = 404, description = "No such reconciliation; they are kept for 30 days.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/reconciliations/{reconciliation_id}")]
pub(super) async fn get_reconciliation(
    caller: Caller,
    reconciler: web::Data<Reconciler>,
    path: web::Path<Uuid>,
) -> Result<Json<ReconciliationBody>, Problem> {
    caller.require_read_tenant()?;
    let found = reconciler.get(caller.tenant, path.into_inner()).await.map_err(unavailable)?;
    let (shown, counts) = found.ok_or_else(unknown)?;
    Ok(Json(ReconciliationBody::with(shown, &counts)))
}

/// 404.
pub(super) fn unknown() -> Problem {
    Problem::not_found("reconciliation")
}
