//! `GET /api/v1/replays/{replay_id}/differences`: line by line, as CSV.

use actix_web::{Error, HttpResponse, get, http::header, web};
use futures_util::stream;
use http_kit::{Problem, ProblemBody, auth::Caller, csv::cell};
use kernel::{Micros, TenantId};
use uuid::Uuid;

use super::get_replay::unknown;
use crate::{
    flows::replay::{DifferenceLine, Replayer},
    http::unavailable,
};

/// Lines in memory at a time.
const PAGE_LINES: i64 = 1_000;
/// The names of the columns.
const COLUMNS: &str = "gk_click_id,publisher_id,event,receipt,gk_conversion_id,code,code_under_terms,code_after_replay,effect,\
    currency,revenue,payout,currency_under_terms,revenue_under_terms,payout_under_terms\r\n";

/// What differs, line by line
///
/// As CSV, click by click, streamed. A line without `gk_conversion_id` is about a postback: its code now, and under the chosen
/// terms. One with it is about a conversion, and `effect` says what a replay for real does to it. Of an order that is not
/// finished: as far as it is.
#[utoipa::path(
    tag = "Replay",
    security(("apiToken" = ["read"])),
    params(("replay_id" = Uuid, Path, description = "As ordering it answered.", example = "019abf10-7a10-7c4e-8f00-3d2b5a6c7d8e")),
    responses(
        (status = 200, description = "The lines.", body = String, content_type = "text/csv", example = "gk_click_id,publisher_id,event,receipt,gk_conversion_id,code,code_under_terms,code_after_replay,effect,currency,revenue,payout,currency_under_terms,revenue_under_terms,payout_under_terms\r\n"),
        (status = 404, description = "No such replay; they are kept for 30 days.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
#[get("/api/v1/replays/{replay_id}/differences")]
pub(super) async fn stream_differences(
    caller: Caller,
    replayer: web::Data<Replayer>,
    path: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    caller.require_read_tenant()?;
    let id = path.into_inner();
    replayer.get(caller.tenant, id).await.map_err(unavailable)?.ok_or_else(unknown)?;
    let export = Export {
        replayer: Replayer::clone(&replayer),
        tenant: caller.tenant,
        id,
        after: (Uuid::nil(), 0),
        begun: String::from(COLUMNS),
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"replay.csv\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(stream::try_unfold(export, Export::next)))
}

struct Export {
    replayer: Replayer,
    tenant: TenantId,
    id: Uuid,
    after: (Uuid, i32),
    begun: String,
}

impl Export {
    /// A page as text, and the one after it.
    async fn next(mut self) -> Result<Option<(web::Bytes, Self)>, Error> {
        let mut text = std::mem::take(&mut self.begun);
        let found = self.replayer.differences(self.tenant, self.id, self.after, PAGE_LINES).await;
        for line in found.map_err(unavailable)? {
            self.after = (line.click_id, line.place);
            let cells: Vec<String> = cells(line).iter().map(|text| cell(text)).collect();
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
        Ok((!text.is_empty()).then(|| (web::Bytes::from(text), self)))
    }
}

fn cells(line: DifferenceLine) -> [String; 15] {
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let amount = |micros: Option<i64>| micros.map(|micros| Micros(micros).to_string()).unwrap_or_default();
    [
        line.click_id.to_string(),
        id(line.publisher_id),
        line.event_id,
        line.receipt.to_string(),
        id(line.conversion_id),
        line.code_before.unwrap_or_default(),
        line.code_under.unwrap_or_default(),
        line.code_after.unwrap_or_default(),
        line.effect.unwrap_or_default(),
        line.currency_before.unwrap_or_default(),
        amount(line.revenue_before),
        amount(line.payout_before),
        line.currency_under.unwrap_or_default(),
        amount(line.revenue_under),
        amount(line.payout_under),
    ]
}
