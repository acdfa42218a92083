//! `GET /api/v1/bulk-statuses/{bulk_id}/lines`: every line and what became of it, as CSV.

use actix_web::{Error, HttpResponse, get, http::header, web};
use futures_util::stream;
use http_kit::{Problem, auth::Caller, csv::cell};
use uuid::Uuid;

use super::unknown;
use crate::{
    flows::bulk::{LineRow, find, lines},
    http::{Api, error},
    store::bulk::BulkKey,
};

const HEADER: &str = "line,gk_click_id,EventId,status,reason,conversion_id,decision,outcome,detail\r\n";

/// The lines of a plan, with what became of each
///
/// In the order in which they are worked off: by click. A line that names several conversions is there for each of them.
#[utoipa::path(
    tag = "bulk statuses",
    params(("bulk_id" = Uuid, Path, description = "As the dry run answered.")),
    security(("apiToken" = ["read"])),
    responses(
        (status = 200, description = "The lines", body = String, content_type = "text/csv", example = "line,gk_click_id,EventId,status,reason,conversion_id,decision,outcome,detail\r\n2,0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e,level_10,Rejected,A test device.,0198d001-77aa-7b52-8f11-4b7c2a90e6d3,reject,applied,\r\n"),
        (status = 404, description = "No such plan of this tenant"),
    )
)]
#[get("/api/v1/bulk-statuses/{bulk_id}/lines")]
pub async fn stream_bulk_status_lines(
    caller: Caller,
    api: web::Data<Api>,
    bulk: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_read_tenant()?;
    let key = (caller.tenant, bulk.into_inner());
    find(&api.pool, key).await.map_err(error::of_store)?.ok_or_else(unknown)?;
    let export = Export { api, key, after: 0, begun: String::from(HEADER) };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"bulk-status.csv\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(stream::try_unfold(export, Export::next)))
}

struct Export {
    api: web::Data<Api>,
    key: BulkKey,
    after: i32,
    begun: String,
}

impl Export {
    /// A page as text, and the one after it.
    async fn next(mut self) -> Result<Option<(web::Bytes, Self)>, Error> {
        let mut text = std::mem::take(&mut self.begun);
        for line in lines(&self.api.pool, self.key, self.after).await.map_err(error::of_store)? {
            self.after = line.position;
            text.push_str(&row(&line));
        }
        Ok((!text.is_empty()).then(|| (web::Bytes::from(text), self)))
    }
}

fn row(line: &LineRow) -> String {
    let conversion = line.conversion_id.map(|id| id.to_string()).unwrap_or_default();
    let cells = [
        &line.line.to_string(),
        &line.gk_click_id.to_string(),
        &line.event_id,
        &line.wanted,
        &line.reason,
        &conversion,
        line.decision.as_ref().unwrap_or(&String::new()),
        &line.outcome,
        &line.detail,
    ]
    .map(|text| cell(text));
    format!("{}\r\n", cells.join(","))
}
