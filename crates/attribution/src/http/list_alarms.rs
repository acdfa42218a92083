//! `GET /api/v1/alarms`: events that need somebody's eyes.

use actix_web::{get, web};
use http_kit::{Json, ListBody, Page, Problem, Query, auth::Caller};
use kernel::OfferId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Api, period::wrong, unavailable, written};
use crate::flows::{AlarmListing, StoredAlarm};

/// Which alarms to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// `open` (those that stand; when left out), `cleared` (those that are over, for 92 days) or `all`.
    #[param(example = "open", pattern = "^(open|cleared|all)$")]
    state: Option<String>,
    /// Of this offer only.
    #[param(value_type = Option<Uuid>)]
    offer_id: Option<Uuid>,
}

/// An event that needs somebody's eyes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "alarmId": "019a2b70-1b2c-7d3e-8f40-5a6b7c8d9e0f", "kind": "UNMAPPED_SHARE", "offerId": "0194a3c0-0000-7000-8000-000000000001",
    "eventId": "level_10", "sentence": "Of 100 \"level_10\" since 2026-12-02 08:00 UTC, 40 are not mapped in the offer (40.0 %); usual are 1.0 %.",
    "whatToDo": "Map the Event ID: the quarantine names those that may have been meant. What stands there is then decided by itself.",
    "raisedAt": "2026-12-02T10:15:30.250000Z", "since": "2026-12-02T08:00:00.000000Z", "postbacks": 100, "matching": 40,
    "usualPostbacks": 10_000, "usualMatching": 100
}))]
pub struct AlarmBody {
    /// Its id.
    pub alarm_id: Uuid,
    /// `SILENCE`, `UNMAPPED_SHARE`, `OUT_OF_ORDER_SHARE`, `DUPLICATE_SHARE` or `PRIVACY_SHARE`.
    #[schema(example = "UNMAPPED_SHARE")]
    pub kind: &'static str,
    /// Of which offer; absent: the Event ID in the whole tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<Uuid>,
    /// Which event, as postbacks report it.
    #[schema(example = "level_10")]
    pub event_id: String,
    /// What happened.
    pub sentence: String,
    /// What can be done about it.
    pub what_to_do: &'static str,
    /// When it was noticed.
    pub raised_at: String,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleared_at: Option<String>,
    /// Why: `RECOVERED` (as usual again), `OFFER_STOPPED` (nothing is expected of it any more) or `AGED` (it is usual by now).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "RECOVERED")]
    pub cleared_because: Option<String>,
    /// From when on it was counted: the end of the last hour with a postback, or the first of the hours looked at.
    pub since: String,
    /// Of silence: how many would have been usual since then. Else: how many came.
    #[schema(example = 100)]
    pub postbacks: i64,
    /// How many of them it is about.
    #[schema(example = 40)]
    pub matching: i64,
    /// Postbacks of the past that it is compared with.
    #[schema(example = 10_000)]
    pub usual_postbacks: i64,
    /// How many of them were alike.
    #[schema(example = 100)]
    pub usual_matching: i64,
}

/// List alarms
///
/// Events of offers that bring nothing any more, for longer than their own past makes likely; or of whose postbacks suddenly far more
/// than usual are not mapped, out of order, repeated, or under Advanced Privacy. The latest first, with what to do.
#[utoipa::path(
    tag = "alarms",
    params(Page, Filter),
    security(("apiToken" = ["read"])),
    responses((status = 200, description = "A page of alarms.", body = ListBody<AlarmBody>))
)]
#[get("/api/v1/alarms")]
pub(super) async fn list_alarms(
    caller: Caller,
    api: web::Data<Api>,
    page: Result<Page, Problem>,
    filter: Query<Filter>,
) -> Result<Json<ListBody<AlarmBody>>, Problem> {
    caller.require_read_tenant()?;
    let filter = filter.0;
    let (page, stands) = Page::beside(page, stands(filter.state.as_deref()))?;
    let listing = AlarmListing {
        tenant: caller.tenant,
        stands,
        offer: filter.offer_id.map(OfferId::from_uuid),
        offset: page.offset(),
        limit: page.limit(),
    };
    let (alarms, total) = api.attributor.alarms(&listing).await.map_err(unavailable)?;
    Ok(Json(page.of(alarms.into_iter().map(AlarmBody::from).collect(), total)))
}

fn stands(state: Option<&str>) -> Result<Option<bool>, Problem> {
    match state {
        None | Some("open") => Ok(Some(true)),
        Some("cleared") => Ok(Some(false)),
        Some("all") => Ok(None),
        Some(_) => Err(wrong("state", "must be one of open, cleared, all".to_owned())),
    }
}

impl From<StoredAlarm> for AlarmBody {
    fn from(stored: StoredAlarm) -> Self {
        let StoredAlarm { subject, alarm, cleared_at, cleared_because } = stored;
        let finding = alarm.finding;
        Self {
            alarm_id: alarm.id,
            kind: finding.kind.as_str(),
            offer_id: subject.offer.map(OfferId::as_uuid),
            sentence: finding.sentence(&subject.event_id),
            what_to_do: finding.kind.advice(),
            event_id: subject.event_id,
            raised_at: written(alarm.raised_at),
            cleared_at: cleared_at.map(written),
            cleared_because,
            since: written(finding.since),
            postbacks: finding.window.postbacks,
            matching: finding.window.matching,
            usual_postbacks: finding.usual.postbacks,
            usual_matching: finding.usual.matching,
        }
    }
}
