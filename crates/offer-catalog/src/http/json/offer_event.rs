//! One event of an offer, as it is shown.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::terms::{CapsJson, MoneyTerms};
use crate::domain::event::OfferEvent;

/// One event of an offer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OfferEvent)]
#[schema(example = json!({
    "offerEventId": "0194a3c0-0000-7000-8000-0000000000e2",
    "eventId": "level_10",
    "name": "Reach Level 10",
    "sequenceNumber": 2,
    "pendingTime": 0,
    "revenue": {"model": "FlatRate", "amount": "5.00"},
    "payout": {"model": "FlatRate", "amount": "3.00"},
    "reward": 500,
    "displayOrder": 2,
    "showOnOfferWall": true,
    "deadlineDays": null,
    "minTimeFromPreviousEvent": null,
    "allowRepetitions": false,
    "publisherCaps": {}
}))]
pub struct OfferEventJson {
    /// Lasting: renaming the Event ID is the same event.
    offer_event_id: Option<Uuid>,
    /// The mapped partner event name, exactly as in AppsFlyer.
    #[schema(example = "level_10")]
    event_id: String,
    /// What a user sees.
    #[schema(example = "Reach Level 10")]
    name: Option<String>,
    /// 1, 2, …; null is Independent.
    #[schema(example = 2)]
    sequence_number: Option<u16>,
    /// Whole days to hold the postback.
    #[schema(example = 0)]
    pending_time: Option<u16>,
    /// What the advertiser owes for one conversion.
    revenue: Option<MoneyTerms>,
    /// What the publisher earns for one conversion.
    payout: Option<MoneyTerms>,
    /// Points that the publisher's user sees.
    reward: i64,
    /// Place in the list; presentation only.
    display_order: u16,
    /// Whether users see it.
    show_on_offer_wall: bool,
    /// Days after click or install in which it counts.
    deadline_days: Option<u16>,
    /// Seconds that must pass after the previous number was reached.
    min_time_from_previous_event: Option<u64>,
    /// Whether it may happen more than once on a click.
    allow_repetitions: bool,
    /// How many conversions count.
    #[serde(flatten)]
    caps: CapsJson,
    /// The same for the publisher the offer is shared with.
    publisher_caps: CapsJson,
}

impl From<OfferEvent> for OfferEventJson {
    fn from(event: OfferEvent) -> Self {
        Self {
            offer_event_id: event.offer_event_id.map(kernel::OfferEventId::as_uuid),
            event_id: event.event_id,
            name: event.name,
            sequence_number: event.sequence_number,
            pending_time: event.pending_time.map(|days| days.0),
            revenue: event.revenue.map(MoneyTerms::from),
            payout: event.payout.map(MoneyTerms::from),
            reward: event.reward,
            display_order: event.display_order,
            show_on_offer_wall: event.show_on_offer_wall,
            deadline_days: event.deadline_days.map(|days| days.0),
            min_time_from_previous_event: event.min_time_seconds,
            allow_repetitions: event.allow_repetitions,
            caps: event.caps.into(),
            publisher_caps: event.publisher_caps.into(),
        }
    }
}
