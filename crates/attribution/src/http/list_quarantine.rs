//! `GET /api/v1/quarantine`: what stands because of how something is set up, in groups.

use actix_web::{get, web};
use chrono::{DateTime, Utc};
use http_kit::{Json, ListBody, Page, Problem, Query, auth::Caller};
use kernel::OfferId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Api, codes,
    period::{DAY_SECONDS, code, period},
    unavailable, written,
};
use crate::{
    domain::{Likeness, QUARANTINE_CAUSES, Suggestion},
    flows::{Group, Grouping},
};

/// How far back the quarantine goes when the caller does not say.
const DEFAULT_DAYS: i64 = 30;

/// Which groups to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this cause only.
    #[param(inline, value_type = Option<codes::Cause>, example = "UNMAPPED_EVENT")]
    code: Option<String>,
    /// Of this offer only.
    #[param(value_type = Option<Uuid>)]
    offer_id: Option<Uuid>,
    /// Received from then on; the last 30 days when absent.
    #[param(value_type = Option<String>, format = DateTime, min_length = 1, example = "2026-11-22T00:00:00Z")]
    received_from: Option<DateTime<Utc>>,
    /// Received before then; now when absent.
    #[param(value_type = Option<String>, format = DateTime, min_length = 1, example = "2026-11-23T00:00:00Z")]
    received_until: Option<DateTime<Utc>>,
}

/// Postbacks that stand for the same cause.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "code": "UNMAPPED_EVENT",
    "sentence": "No event of the offer has this Event ID. Map it, and this postback is decided by itself.",
    "offerId": "0194a3c0-0000-7000-8000-000000000001", "eventId": "level-10", "postbacks": 42, "firstSeen": "2026-12-02T10:15:30.250000Z",
    "lastSeen": "2026-12-03T08:00:00.000000Z", "mayBeRedriven": true,
    "suggestions": [{"eventId": "level_10", "differsIn": "letters", "letters": 1}]
}))]
pub struct GroupBody {
    /// The cause.
    #[schema(example = "UNMAPPED_EVENT")]
    pub code: &'static str,
    /// The cause, for people.
    pub sentence: &'static str,
    /// The click's offer; absent when the click was not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<Uuid>,
    /// The Event ID as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "level-10")]
    pub event_id: Option<String>,
    /// How many.
    #[schema(example = 42)]
    pub postbacks: i64,
    /// When the first of them was received.
    pub first_seen: String,
    /// When the last of them was received.
    pub last_seen: String,
    /// Whether judging it again can change it. Where it can not, the rule is judged once.
    pub may_be_redriven: bool,
    /// Event IDs of the offer's newest version that may have been meant, the closest first.
    pub suggestions: Vec<SuggestionBody>,
}

/// An Event ID that may have been meant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuggestionBody {
    /// The Event ID.
    #[schema(example = "level_10")]
    pub event_id: String,
    /// How it differs: `case`, `spacing` or `letters`.
    pub differs_in: &'static str,
    /// How many letters; with `letters` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub letters: Option<usize>,
}

/// List the quarantine
///
/// Postbacks that stand because of how something is set up, grouped by cause, offer and Event ID; the largest group first.
#[utoipa::path(
    tag = "quarantine",
    params(Page, Filter),
    security(("apiToken" = ["read"])),
    responses(
        (status = 200, description = "A page of groups.", body = ListBody<GroupBody>),
        (status = 422, description = "The period ends before it begins."),
    )
)]
#[get("/api/v1/quarantine")]
pub(super) async fn list_quarantine(
    caller: Caller,
    api: web::Data<Api>,
    page: Page,
    filter: Query<Filter>,
) -> Result<Json<ListBody<GroupBody>>, Problem> {
    caller.require_read_tenant()?;
    let filter = filter.0;
    let back = DAY_SECONDS.saturating_mul(DEFAULT_DAYS);
    let (from, until) = period(api.clock.now(), filter.received_from, filter.received_until, Some(back))?;
    let cause = filter.code.as_deref().map(|text| code(text, &QUARANTINE_CAUSES)).transpose()?;
    let grouping = Grouping {
        tenant: caller.tenant,
        causes: cause.map_or_else(|| QUARANTINE_CAUSES.to_vec(), |cause| vec![cause]),
        offer: filter.offer_id.map(OfferId::from_uuid),
        from,
        until,
        offset: page.offset(),
        limit: page.limit(),
    };
    let (groups, total) = api.attributor.quarantine(&grouping).await.map_err(unavailable)?;
    Ok(Json(page.of(groups.into_iter().map(GroupBody::from).collect(), total)))
}

impl From<(Group, Vec<Suggestion>)> for GroupBody {
    fn from((group, suggestions): (Group, Vec<Suggestion>)) -> Self {
        Self {
            code: group.code.as_str(),
            sentence: group.code.sentence(),
            offer_id: group.offer.map(OfferId::as_uuid),
            event_id: group.event_id,
            postbacks: group.postbacks,
            first_seen: written(group.first_seen),
            last_seen: written(group.last_seen),
            may_be_redriven: group.code.may_be_lifted() && group.offer.is_some(),
            suggestions: suggestions.into_iter().map(SuggestionBody::from).collect(),
        }
    }
}

impl From<Suggestion> for SuggestionBody {
    fn from(suggestion: Suggestion) -> Self {
        let (differs_in, letters) = match suggestion.likeness {
            Likeness::Case => ("case", None),
            Likeness::Spacing => ("spacing", None),
            Likeness::Letters(letters) => ("letters", Some(letters)),
        };
        Self { event_id: suggestion.event_id, differs_in, letters }
    }
}
