//! Scheduled changes.

use http_kit::Problem;
use kernel::OfferEventId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    event_body::{REWARD_MAX, event_id},
    terms::{EnteredTerms, ShownTerm, read_payout, read_revenue},
    ticks::read_ticks,
};
use crate::{
    domain::schedule::{ScheduledChange, Term, TermField},
    flows::{ChangeRequest, WhichEvent},
    http::reading::{Field, Reader, Unknown, moments::written},
};

const FIELDS: [(&str, TermField); 3] =
    [("revenue", TermField::Revenue), ("payout", TermField::Payout), ("reward", TermField::Reward)];

/// A change that is to happen by itself.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"eventId": "level_10", "field": "payout", "value": "3.50", "at": "2026-12-24T09:00:00-05:00"}))]
pub struct ScheduledChangeBody {
    /// The event, by its lasting id.
    #[schema(value_type = Option<Uuid>)]
    offer_event_id: Field,
    /// Or by its Event ID of today.
    #[schema(value_type = Option<String>)]
    event_id: Field,
    /// revenue, payout or reward.
    #[schema(value_type = String)]
    field: Field,
    /// As the event has it: money, or points.
    #[schema(value_type = EnteredTerms)]
    value: Field,
    /// A full hour in the future, at most one year ahead. With an offset, or without one in the tenant's time zone; an hour
    /// that never comes there, or comes twice, because clocks are changed, is refused.
    #[schema(value_type = String)]
    at: Field,
    /// Codes of warnings that are meant.
    #[schema(value_type = Option<Vec<String>>)]
    accepted_warnings: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl ScheduledChangeBody {
    /// Reads the change.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<ChangeRequest, Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let id = r.id::<OfferEventId>("offerEventId", self.offer_event_id);
        let name = r.parsed("eventId", self.event_id, event_id);
        let event = match (id, name) {
            (Some(_), Some(_)) => {
                r.wrong("eventId", "goes without offerEventId: one of them names the event");
                None
            }
            (Some(id), None) => Some(WhichEvent::Id(id)),
            (None, name) => {
                r.required("eventId", name, "the event, or its offerEventId").map(WhichEvent::Named)
            }
        };
        let field = r.word("field", self.field, &FIELDS);
        let field = r.required("field", field, "revenue, payout or reward");
        let term = field.and_then(|field| {
            let term = match field {
                TermField::Revenue => read_revenue(&mut r, "value", self.value).map(Term::Revenue),
                TermField::Payout => read_payout(&mut r, "value", self.value).map(Term::Payout),
                TermField::Reward => r.whole("value", self.value, &(0..=REWARD_MAX)).map(Term::Reward),
            };
            r.required("value", term, "what it will be")
        });
        let when = r.hour("at", self.at);
        let when = r.required("at", when, "from which hour on, such as 2026-12-24T09:00:00-05:00");
        let codes = read_ticks(&mut r, self.accepted_warnings);
        let request =
            event.zip(term).zip(when).map(|((event, term), when)| ChangeRequest { event, term, when, codes });
        r.finish(request)
    }
}

/// A scheduled change.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScheduledChange)]
#[schema(example = json!({
    "changeId": "0193a1f0-0000-7000-8000-00000000000f",
    "offerId": "0194a3c0-0000-7000-8000-000000000001",
    "offerEventId": "0194a3c0-0000-7000-8000-0000000000e2",
    "field": "payout",
    "value": {"model": "FlatRate", "amount": "3.50"},
    "at": "2026-12-24T14:00:00Z",
    "status": "Pending",
    "reason": null,
    "version": null,
    "scheduledBy": "0193a1f0-0000-7000-8000-00000000000b",
    "createdAt": "2026-11-26T09:30:00Z",
    "settledAt": null
}))]
pub struct ScheduledChangeJson {
    /// Its id.
    change_id: Uuid,
    /// The offer.
    offer_id: Uuid,
    /// The event, by its lasting id.
    offer_event_id: Uuid,
    /// revenue, payout or reward.
    #[schema(example = "payout")]
    field: &'static str,
    /// As the event will have it: money, or points.
    value: ShownTerm,
    /// From when on, in UTC.
    at: String,
    /// Pending, Applied, Failed or Cancelled.
    #[schema(example = "Pending")]
    status: &'static str,
    /// Why it failed.
    reason: Option<String>,
    /// The version that has it, once applied.
    version: Option<u32>,
    /// The token that asked for it.
    scheduled_by: Uuid,
    /// When it was asked for.
    created_at: String,
    /// When it was applied, failed or was cancelled.
    settled_at: Option<String>,
}

impl From<ScheduledChange> for ScheduledChangeJson {
    fn from(change: ScheduledChange) -> Self {
        let value = match change.term {
            Term::Revenue(revenue) => ShownTerm::Money(revenue.into()),
            Term::Payout(payout) => ShownTerm::Money(payout.into()),
            Term::Reward(reward) => ShownTerm::Points(reward),
        };
        Self {
            change_id: change.change_id,
            offer_id: change.offer_id.as_uuid(),
            offer_event_id: change.offer_event_id.as_uuid(),
            field: change.term.field().as_str(),
            value,
            at: written(change.due_at),
            status: change.status.as_str(),
            reason: change.reason,
            version: change.version,
            scheduled_by: change.scheduled_by.as_uuid(),
            created_at: written(change.created_at),
            settled_at: change.settled_at.map(written),
        }
    }
}
