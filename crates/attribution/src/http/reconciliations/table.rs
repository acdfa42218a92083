//! Lines as CSV, streamed: a page of them in memory at a time.

use std::collections::VecDeque;

use actix_web::{Error, HttpResponse, http::header, web};
use futures_util::stream;
use http_kit::{Problem, csv::cell};
use kernel::TenantId;
use uuid::Uuid;

use super::get_reconciliation::unknown;
use crate::{
    domain::reconcile::{Bucket, ReportRow},
    flows::reconcile::Reconciler,
    http::{unavailable, written},
    store::reconciliations::ShownLine,
};

/// Lines in memory at a time.
const PAGE_LINES: i64 = 1_000;

/// Which lines, in which form.
pub(super) struct Table {
    /// The buckets, one after the other.
    pub buckets: Vec<Bucket>,
    /// The names of the columns.
    pub columns: &'static [&'static str],
    /// A line's cells; none to leave it out.
    pub cells: fn(&ShownLine, &ReportRow) -> Option<Vec<String>>,
    /// The name of the file.
    pub file: &'static str,
}

struct Export {
    reconciler: Reconciler,
    tenant: TenantId,
    id: Uuid,
    buckets: VecDeque<Bucket>,
    after: i64,
    begun: String,
    cells: fn(&ShownLine, &ReportRow) -> Option<Vec<String>>,
}

impl Table {
    /// Answers with the file. What has not been compared yet is not in it.
    pub(super) async fn answer(
        self,
        reconciler: &Reconciler,
        tenant: TenantId,
        id: Uuid,
    ) -> Result<HttpResponse, Problem> {
        reconciler.get(tenant, id).await.map_err(unavailable)?.ok_or_else(unknown)?;
        let export = Export {
            reconciler: reconciler.clone(),
            tenant,
            id,
            buckets: self.buckets.into(),
            after: 0,
            begun: format!("{}\r\n", self.columns.join(",")),
            cells: self.cells,
        };
        let disposition = format!("attachment; filename=\"{}\"", self.file);
        Ok(HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8"))
            .insert_header((header::CONTENT_DISPOSITION, disposition))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .streaming(stream::try_unfold(export, Export::next)))
    }
}

impl Export {
    /// A page as text, and the one after it.
    async fn next(mut self) -> Result<Option<(web::Bytes, Self)>, Error> {
        let mut text = std::mem::take(&mut self.begun);
        while let Some(bucket) = self.buckets.front().copied() {
            let found = self.reconciler.lines(self.tenant, self.id, bucket, self.after, PAGE_LINES).await;
            let page = found.map_err(unavailable)?;
            if let Some(last) = page.last() {
                self.after = last.line;
            } else {
                self.buckets.pop_front();
                self.after = 0;
            }
            for line in &page {
                let said = serde_json::from_str(&line.said).map_err(Problem::internal)?;
                if let Some(cells) = (self.cells)(line, &said) {
                    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
                    text.push_str(&cells.join(","));
                    text.push_str("\r\n");
                }
            }
            if !text.is_empty() {
                break;
            }
        }
        Ok((!text.is_empty()).then(|| (web::Bytes::from(text), self)))
    }
}

/// What identifies a line for people, in this order: line, click, event, time, conversion id.
pub(super) fn identity(line: &ShownLine, said: &ReportRow) -> [String; 5] {
    let event = said.event_name.clone().or_else(|| said.event_id.clone());
    [
        line.line.to_string(),
        line.click_id.map(|id| id.to_string()).unwrap_or_default(),
        event.unwrap_or_default(),
        said.event_time.map(written).unwrap_or_default(),
        said.conversion_id.clone().unwrap_or_default(),
    ]
}
