//! `GET /api/v1/reconciliations/{reconciliation_id}/redrive`: what can be done about it, line by line.

use actix_web::{HttpResponse, get, web};
use http_kit::{Problem, ProblemBody, auth::Caller};
use uuid::Uuid;

use super::table::{Table, identity};
use crate::{
    domain::{
        Code,
        reconcile::{Bucket, ReportRow},
    },
    flows::reconcile::Reconciler,
    store::reconciliations::ShownLine,
};

/// What to drive again
///
/// As CSV, streamed, a line for each line of the report that somebody can do something about, with the action:
/// `resend` (it never came: ask AppsFlyer to send it), `repair` (what stopped it can be repaired, as a missing mapping; then it is
/// decided by itself, or re-driven from the quarantine), `deliver` (it is paid and the publisher was not told: replay the
/// deliveries of that conversion in payout).
#[utoipa::path(
    tag = "Reconciliation",
    security(("apiToken" = ["read"])),
    params(("reconciliation_id" = Uuid, Path, description = "As answered when the report was sent.", example = "01935b2e-7a10-7c4e-8f00-3d2b5a6c7d8e")),
    responses(
        (status = 200, description = "The list.", body = String, content_type = "text/csv", example = "line,gk_click_id,event,event_time,conversion_id,action,code,receipt,gk_conversion_id\r\n"),
        (status = 404, description = "No such reconciliation.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/reconciliations/{reconciliation_id}/redrive")]
pub(super) async fn stream_redrive(
    caller: Caller,
    reconciler: web::Data<Reconciler>,
    path: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_read_tenant()?;
    let table = Table {
        buckets: vec![Bucket::NeverReached, Bucket::ReachedNotPaid, Bucket::PaidNotDelivered],
        columns: &[
            "line",
            "gk_click_id",
            "event",
            "event_time",
            "conversion_id",
            "action",
            "code",
            "receipt",
            "gk_conversion_id",
        ],
        cells,
        file: "redrive.csv",
    };
    table.answer(&reconciler, caller.tenant, path.into_inner()).await
}

fn cells(line: &ShownLine, said: &ReportRow) -> Option<Vec<String>> {
    let action = if line.bucket == Bucket::NeverReached.as_str() {
        "resend"
    } else if line.bucket == Bucket::PaidNotDelivered.as_str() {
        "deliver"
    } else if Code::parse(&line.code).is_some_and(Code::may_be_lifted) {
        "repair"
    } else {
        // Refused for good: nothing that is driven again would change it.
        return None;
    };
    let mut cells = Vec::from(identity(line, said));
    cells.extend([
        action.to_owned(),
        line.code.clone(),
        line.receipt.map(|id| id.to_string()).unwrap_or_default(),
        line.conversion_id.map(|id| id.to_string()).unwrap_or_default(),
    ]);
    Some(cells)
}
