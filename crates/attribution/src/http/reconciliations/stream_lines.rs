//! `GET /api/v1/reconciliations/{reconciliation_id}/lines`: a bucket as CSV.

use actix_web::{HttpResponse, get, web};
use http_kit::{Problem, ProblemBody, Query, auth::Caller};
use serde::Deserialize;
use uuid::Uuid;

use super::table::{Table, identity};
use crate::{
    domain::reconcile::{Bucket, ReportRow},
    flows::reconcile::Reconciler,
    store::reconciliations::ShownLine,
};

/// Which lines.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// All of them, one after the other, when left out. `noClick`, `neverReached`, `reachedNotPaid`, `pending`, `paidNotDelivered`, `differs` or `agrees`.
    #[param(
        example = "neverReached",
        pattern = "^(noClick|neverReached|reachedNotPaid|pending|paidNotDelivered|differs|agrees)$"
    )]
    bucket: Option<String>,
}

/// The lines of a bucket
///
/// As CSV, in the order of the report, streamed. A cell that a spreadsheet would take for a formula begins with an apostrophe.
#[utoipa::path(
    tag = "Reconciliation",
    security(("apiToken" = ["read"])),
    params(("reconciliation_id" = Uuid, Path, description = "As answered when the report was sent.", example = "01935b2e-7a10-7c4e-8f00-3d2b5a6c7d8e"), Filter),
    responses(
        (status = 200, description = "The lines.", body = String, content_type = "text/csv", example = "line,gk_click_id,event,event_time,conversion_id,bucket,code,receipt,gk_conversion_id,difference\r\n"),
        (status = 400, description = "There is no such bucket.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "No such reconciliation.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/reconciliations/{reconciliation_id}/lines")]
pub(super) async fn stream_lines(
    caller: Caller,
    reconciler: web::Data<Reconciler>,
    path: web::Path<Uuid>,
    Query(filter): Query<Filter>,
) -> Result<HttpResponse, Problem> {
    caller.require_read_tenant()?;
    let buckets = filter.bucket.map_or(Ok(Bucket::ALL.to_vec()), |word| named(&word))?;
    let table = Table {
        buckets,
        columns: &[
            "line",
            "gk_click_id",
            "event",
            "event_time",
            "conversion_id",
            "bucket",
            "code",
            "receipt",
            "gk_conversion_id",
            "difference",
        ],
        cells,
        file: "reconciliation.csv",
    };
    table.answer(&reconciler, caller.tenant, path.into_inner()).await
}

fn named(word: &str) -> Result<Vec<Bucket>, Problem> {
    let bucket = Bucket::ALL.into_iter().find(|bucket| bucket.as_str() == word);
    bucket.map(|bucket| vec![bucket]).ok_or_else(|| {
        let known: Vec<&str> = Bucket::ALL.iter().map(|bucket| bucket.as_str()).collect();
        Problem::bad_request("invalid_query", "a query parameter is not acceptable")
            .field("bucket", format!("must be one of {}", known.join(", ")))
    })
}

#[expect(clippy::unnecessary_wraps, reason = "the form of every table's")]
fn cells(line: &ShownLine, said: &ReportRow) -> Option<Vec<String>> {
    let mut cells = Vec::from(identity(line, said));
    cells.extend([
        line.bucket.clone(),
        line.code.clone(),
        line.receipt.map(|id| id.to_string()).unwrap_or_default(),
        line.conversion_id.map(|id| id.to_string()).unwrap_or_default(),
        line.difference.clone().unwrap_or_default(),
    ]);
    Some(cells)
}
