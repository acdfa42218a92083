//! A reconciliation as JSON.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::reconcile::Bucket,
    store::reconciliations::{Count, Shown},
};

/// A report, and how far its comparison is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReconciliationBody {
    /// Its id.
    #[schema(example = "01935b2e-7a10-7c4e-8f00-3d2b5a6c7d8e")]
    pub reconciliation_id: Uuid,
    /// `installs`, `inAppEvents` or `postbacks`.
    #[schema(example = "inAppEvents")]
    pub report: String,
    /// How many seconds a line's time may be from its postback's.
    #[schema(example = 600)]
    pub tolerance_seconds: i32,
    /// `Receiving`, `Comparing`, `Finished` or `Failed`.
    #[schema(example = "Finished")]
    pub state: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "it stopped arriving, or the service stopped while it arrived; please send it again")]
    pub failure: Option<String>,
    /// When it began to arrive.
    #[schema(example = "2026-11-26T10:00:00.000Z")]
    pub begun_at: String,
    /// When every line was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-26T10:00:42.000Z")]
    pub finished_at: Option<String>,
    /// Lines that came, without the one that names the columns.
    #[schema(example = 120_000)]
    pub lines: i64,
    /// Lines that have been compared.
    #[schema(example = 120_000)]
    pub compared: i64,
    /// The lines that have been compared, by bucket: every bucket is there. Left out in lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<BucketBody>,
}

/// The lines of a bucket.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BucketBody {
    /// `noClick`, `neverReached`, `reachedNotPaid`, `pending`, `paidNotDelivered`, `differs` or `agrees`.
    #[schema(example = "reachedNotPaid")]
    pub bucket: &'static str,
    /// How many lines.
    #[schema(example = 17)]
    pub lines: i64,
    /// The same by code, the most first.
    pub codes: Vec<CodeBody>,
}

/// Lines of one code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodeBody {
    /// The code of the decision, of payout's refusal, or what differs; empty where the bucket says it all.
    #[schema(example = "UNMAPPED_EVENT")]
    pub code: String,
    /// How many lines.
    #[schema(example = 17)]
    pub lines: i64,
}

impl ReconciliationBody {
    pub(super) fn new(shown: Shown) -> Self {
        let state = match (&shown.failure, shown.finished_at, shown.received_at) {
            (Some(_), _, _) => "Failed",
            (None, Some(_), _) => "Finished",
            (None, None, Some(_)) => "Comparing",
            (None, None, None) => "Receiving",
        };
        Self {
            reconciliation_id: shown.reconciliation_id,
            report: shown.report,
            tolerance_seconds: shown.tolerance_seconds,
            state,
            failure: shown.failure,
            begun_at: written(shown.begun_at),
            finished_at: shown.finished_at.map(written),
            lines: shown.lines,
            compared: shown.compared,
            buckets: Vec::new(),
        }
    }

    pub(super) fn with(shown: Shown, counts: &[Count]) -> Self {
        let bucket = |bucket: Bucket| {
            let of_it = counts.iter().filter(|count| count.bucket == bucket.as_str());
            let codes: Vec<CodeBody> =
                of_it.map(|count| CodeBody { code: count.code.clone(), lines: count.lines }).collect();
            let lines = codes.iter().map(|code| code.lines).sum();
            BucketBody { bucket: bucket.as_str(), lines, codes }
        };
        Self { buckets: Bucket::ALL.into_iter().map(bucket).collect(), ..Self::new(shown) }
    }
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
