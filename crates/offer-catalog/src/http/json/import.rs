//! Imports.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::OfferBody;
use crate::{
    domain::import::{Counts, RowResult},
    flows::ImportView,
    http::reading::moments::written,
};

/// Many offers in one call. Read row by row as it arrives, so this type only describes it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "concurrencyRequestId": "2026-12-01-morning",
    "operation": "Synchronize",
    "acceptedWarnings": ["no_creative"],
    "offers": [{
        "externalId": "golfin-ios",
        "offerType": "MultiEvent",
        "advertiserId": "0193a1f0-0000-7000-8000-000000000001",
        "name": "Golfin iOS",
        "trackingSystemLink": "https://app.appsflyer.com/id123456789?pid=gokart_int",
        "headline": "Play golf, earn coins",
        "shortDescription": "Install Golfin, reach level 10.",
        "categories": ["Golf"],
        "budget": {"total": "5000.00"},
        "currency": "USD",
        "launchDate": "2026-12-01",
        "ageRanges": ["18+"],
        "platforms": ["IOS"],
        "countries": ["US"],
        "events": [{"eventId": "Install", "name": "Install", "sequenceNumber": 1, "pendingTime": 0, "revenue": "2.00", "payout": "1.00"}]
    }]
}))]
pub struct ImportBody {
    /// Made up by the caller. The same id with the same content is the same import, however often it is sent.
    #[schema(min_length = 1, max_length = 255)]
    concurrency_request_id: String,
    /// `Insert`: offers that are not named stay as they are. `Synchronize`: this provider's offers that are not named are
    /// paused, once every row has succeeded.
    #[schema(example = "Synchronize")]
    operation: String,
    /// Whose offers they are, when a tenant imports from several; `custom` when left out.
    #[schema(example = "custom", max_length = 100)]
    provider: Option<String>,
    /// Codes of warnings that are meant, in every row.
    accepted_warnings: Option<Vec<String>>,
    /// 1 to 10 000 offers, each of 256 KiB at most.
    offers: Vec<ImportOfferBody>,
}

/// One offer of an import.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportOffer)]
pub struct ImportOfferBody {
    /// What the provider calls it. The same externalId is the same offer in every import of this provider.
    external_id: Option<String>,
    /// The offer, when it is here already: an export names it. With an externalId the offer becomes the provider's.
    offer_id: Option<Uuid>,
    #[serde(flatten)]
    offer: OfferBody,
}

/// An import and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Import)]
#[schema(example = json!({
    "importId": "0193a1f0-0000-7000-8000-00000000000e",
    "concurrencyRequestId": "2026-12-01-morning",
    "provider": "custom",
    "operation": "Synchronize",
    "state": "Running",
    "rows": 10000,
    "counts": {"created": 4000, "changed": 150, "unchanged": 49, "failed": 1},
    "percent": 42,
    "paused": 0,
    "importedBy": "0193a1f0-0000-7000-8000-00000000000b",
    "receivedAt": "2026-12-01T06:00:00Z",
    "finishedAt": null
}))]
pub struct ImportJson {
    /// Its id.
    import_id: Uuid,
    /// As the caller made it up.
    concurrency_request_id: String,
    /// Whose offers they are.
    #[schema(example = "custom")]
    provider: String,
    /// Insert or Synchronize.
    #[schema(example = "Synchronize")]
    operation: &'static str,
    /// Waiting, Running, Pausing (absent offers), Succeeded, or Partial: done, and some rows failed.
    #[schema(example = "Running")]
    state: &'static str,
    /// How many offers were sent.
    #[schema(example = 10_000)]
    rows: u32,
    /// Of these, how many came to which end.
    counts: CountsJson,
    /// How many rows are done, in percent.
    #[schema(example = 42)]
    percent: u32,
    /// How many absent offers were paused.
    paused: u32,
    /// The token that sent it.
    imported_by: Uuid,
    /// When all of it had arrived.
    received_at: Option<String>,
    /// When it was done; null: it is not.
    finished_at: Option<String>,
}

/// Rows by their end.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportCounts)]
#[schema(example = json!({
    "created": 4000,
    "changed": 150,
    "unchanged": 49,
    "failed": 1
}))]
pub struct CountsJson {
    /// New offers.
    created: u32,
    /// New versions, or offers that go on again.
    changed: u32,
    /// As they were: no version was made.
    unchanged: u32,
    /// Nothing was done.
    failed: u32,
}

impl From<ImportView> for ImportJson {
    fn from(ImportView { import, counts }: ImportView) -> Self {
        let Counts { created, changed, unchanged, failed } = counts;
        Self {
            import_id: import.import_id,
            concurrency_request_id: import.request.concurrency_request_id,
            provider: import.request.provider,
            operation: import.request.operation.as_str(),
            state: import.state.as_str(),
            rows: import.rows,
            percent: counts.percent(import.rows),
            counts: CountsJson { created, changed, unchanged, failed },
            paused: import.paused,
            imported_by: import.imported_by.as_uuid(),
            received_at: import.received_at.map(written),
            finished_at: import.finished_at.map(written),
        }
    }
}

/// What became of one row.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportResult)]
#[schema(example = json!({
    "row": 17,
    "externalId": "golfin-ios",
    "outcome": "Failed",
    "offerId": null,
    "errors": [{"field": "events[1].pendingTime", "detail": "must be a whole number from 0 to 365"}]
}))]
pub struct ImportResultJson {
    /// Its place in the call, from 1.
    #[schema(example = 17)]
    row: u32,
    /// What the provider calls it.
    external_id: Option<String>,
    /// Created, Changed, Unchanged or Failed; null while it waits.
    #[schema(example = "Failed")]
    outcome: Option<&'static str>,
    /// The offer, unless it failed.
    offer_id: Option<Uuid>,
    /// Everything that was wrong.
    errors: Vec<ImportErrorJson>,
}

/// A wrong field of a row.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportError)]
pub struct ImportErrorJson {
    /// Which; empty when it is the row as a whole.
    #[schema(example = "events[1].pendingTime")]
    field: String,
    /// What would be right.
    #[schema(example = "must be a whole number from 0 to 365")]
    detail: String,
}

impl From<RowResult> for ImportResultJson {
    fn from(result: RowResult) -> Self {
        let errors = result.problems.into_iter();
        Self {
            row: result.row,
            external_id: result.external_id,
            outcome: result.outcome.map(crate::domain::import::Outcome::as_str),
            offer_id: result.offer_id.map(kernel::OfferId::as_uuid),
            errors: errors.map(|it| ImportErrorJson { field: it.field, detail: it.detail }).collect(),
        }
    }
}
