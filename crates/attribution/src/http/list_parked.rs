//! `GET /api/v1/parked`: what waits for something that may still come.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, Query, auth::Caller};
use kernel::{ClickId, OfferId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, codes, period::code, unavailable, written};
use crate::{domain::Code, flows::Parked};

/// What waits.
pub(super) const WAITING: [Code; 3] = [Code::WaitingClick, Code::WaitingTerms, Code::WaitingSequence];

/// Which to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// `WAITING_CLICK`, `WAITING_TERMS` or `WAITING_SEQUENCE`.
    #[param(inline, value_type = Option<codes::Waiting>, example = "WAITING_SEQUENCE")]
    code: Option<String>,
}

/// A postback that waits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "receipt": "019a2b6e-5d0e-7cc1-a3a8-6f2f5b8f2c11", "receivedAt": "2026-12-02T10:15:30.250000Z", "code": "WAITING_SEQUENCE",
    "sentence": "An earlier step has not been reported yet; decided when it arrives.",
    "waitsFor": "13. Is the sequence satisfied? Not yet.", "since": "2026-12-02T10:15:30.250000Z",
    "until": "2026-12-05T10:15:30.250000Z", "gkClickId": "0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e", "offerId": "0194a3c0-0000-7000-8000-000000000001", "eventId": "level_10"
}))]
pub struct ParkedBody {
    /// Its receipt.
    pub receipt: Uuid,
    /// When it was received.
    pub received_at: String,
    /// What it waits for.
    #[schema(example = "WAITING_SEQUENCE")]
    pub code: &'static str,
    /// What it waits for, for people.
    pub sentence: &'static str,
    /// The rule that waits, with what it looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// Since when.
    pub since: String,
    /// When time alone changes something in its journey next; absent: nothing but what is missing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Its click.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gk_click_id: Option<Uuid>,
    /// The click's offer, once the click is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<Uuid>,
    /// The Event ID it reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
}

/// List what waits
///
/// For a click, for terms, or for an earlier step; the one received first first.
#[utoipa::path(
    tag = "quarantine",
    params(Page, Filter),
    security(("apiToken" = ["read"])),
    responses((status = 200, description = "A page of postbacks that wait.", body = ListBody<ParkedBody>))
)]
#[get("/api/v1/parked")]
pub(super) async fn list_parked(
    caller: Caller,
    api: web::Data<Api>,
    page: Page,
    filter: Query<Filter>,
) -> Result<Json<ListBody<ParkedBody>>, Problem> {
    caller.require_read_tenant()?;
    let wanted = filter.0.code.as_deref().map(|text| code(text, &WAITING)).transpose()?;
    let codes = wanted.map_or_else(|| WAITING.to_vec(), |code| vec![code]);
    let place = (page.offset(), page.limit());
    let (parked, total) = api.reader.parked(caller.tenant, &codes, place).await.map_err(unavailable)?;
    Ok(Json(page.of(parked.into_iter().map(ParkedBody::from).collect(), total)))
}

impl From<Parked> for ParkedBody {
    fn from(parked: Parked) -> Self {
        Self {
            receipt: parked.receipt.as_uuid(),
            received_at: written(parked.received_at),
            code: parked.code.as_str(),
            sentence: parked.code.sentence(),
            waits_for: parked.trace.steps().last().map(crate::domain::Step::sentence),
            since: written(parked.since),
            until: parked.until.map(written),
            gk_click_id: parked.click.map(ClickId::as_uuid),
            offer_id: parked.offer.map(OfferId::as_uuid),
            event_id: parked.event_id,
        }
    }
}
