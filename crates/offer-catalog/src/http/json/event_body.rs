//! One event of an offer, as it is entered.

use kernel::Days;
use serde::Deserialize;
use utoipa::ToSchema;

use super::terms::{CapsBody, CapsJson, EnteredTerms, read_payout, read_revenue};
use crate::{
    domain::event::{DEADLINE_DAYS_MAX, EVENT_ID_BYTES_MAX, OfferEvent, PENDING_DAYS_MAX},
    http::reading::{Field, Reader, Unknown},
};

const NAME_CHARS_MAX: usize = 200;
const SEQUENCE_MAX: u16 = 1_000;
/// Points that fit into a JavaScript number.
pub const REWARD_MAX: i64 = 9_007_199_254_740_991;
/// As long as the longest deadline.
const MIN_TIME_SECONDS_MAX: u64 = 400 * 86_400;

/// One event of an offer.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OfferEventBody)]
#[schema(example = json!({
    "eventId": "level_10",
    "name": "Reach Level 10",
    "sequenceNumber": 2,
    "pendingTime": 0,
    "revenue": "5.00",
    "payout": "3.00",
    "reward": 500
}))]
pub struct EventBody {
    /// Lasting: give it to rename an event; leave it out to add one, or to keep the event that has this eventId.
    #[schema(value_type = Option<uuid::Uuid>)]
    offer_event_id: Field,
    /// The mapped partner event name, exactly as in AppsFlyer (1 to 100 bytes). `Install` for the install.
    #[schema(value_type = String, example = "level_10", min_length = 1, max_length = 100)]
    event_id: Field,
    /// What a user sees.
    #[schema(value_type = Option<String>, example = "Reach Level 10", max_length = 200)]
    name: Field,
    /// 1, 2, …; null is Independent.
    #[schema(value_type = Option<u16>, example = 2, minimum = 1, maximum = 1_000)]
    sequence_number: Field,
    /// Whole days to hold the postback; 0 fires at once.
    #[schema(value_type = Option<u16>, example = 0, maximum = 365)]
    pending_time: Field,
    /// What the advertiser owes for one conversion.
    #[schema(value_type = Option<EnteredTerms>)]
    revenue: Field,
    /// What the publisher earns for one conversion.
    #[schema(value_type = Option<EnteredTerms>)]
    payout: Field,
    /// Points that the publisher's user sees.
    #[schema(value_type = Option<i64>, example = 500, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    reward: Field,
    /// Place in the list; presentation only. Left out: the order given here.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 65_535)]
    display_order: Field,
    /// Whether users see it; true when left out.
    #[schema(value_type = Option<bool>)]
    show_on_offer_wall: Field,
    /// Days after click or install in which it counts.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 400)]
    deadline_days: Field,
    /// Seconds that must pass after the previous number was reached.
    #[schema(value_type = Option<u64>, maximum = 34_560_000)]
    min_time_from_previous_event: Field,
    /// Whether it may happen more than once on a click; false when left out.
    #[schema(value_type = Option<bool>)]
    allow_repetitions: Field,
    /// Conversions that count each day.
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_u64)]
    daily_cap: Field,
    /// Each week.
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_u64)]
    weekly_cap: Field,
    /// Each month.
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_u64)]
    monthly_cap: Field,
    /// Ever.
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_u64)]
    all_time_cap: Field,
    /// The same for the publisher the offer is shared with.
    #[schema(value_type = Option<CapsJson>)]
    publisher_caps: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl EventBody {
    /// Reads the event at place `order` of the list.
    pub fn read(self, reader: &mut Reader, order: u16) -> Option<OfferEvent> {
        reader.refuse_unknown(&self.unknown);
        let caps = CapsBody::beside(self.daily_cap, self.weekly_cap, self.monthly_cap, self.all_time_cap);
        let publisher_caps = reader
            .object("publisherCaps", self.publisher_caps, |reader, caps: CapsBody| Some(caps.read(reader)));
        let event_id = reader.parsed("eventId", self.event_id, event_id);
        let days = |days: Option<u16>| days.map(Days);
        let event = OfferEvent {
            offer_event_id: reader.id("offerEventId", self.offer_event_id),
            event_id: event_id.clone().unwrap_or_default(),
            name: reader.text("name", self.name, NAME_CHARS_MAX),
            sequence_number: reader.whole("sequenceNumber", self.sequence_number, &(1..=SEQUENCE_MAX)),
            pending_time: days(reader.whole("pendingTime", self.pending_time, &(0..=PENDING_DAYS_MAX))),
            revenue: read_revenue(reader, "revenue", self.revenue),
            payout: read_payout(reader, "payout", self.payout),
            reward: reader.whole("reward", self.reward, &(0..=REWARD_MAX)).unwrap_or_default(),
            display_order: reader.whole("displayOrder", self.display_order, &(1..=u16::MAX)).unwrap_or(order),
            show_on_offer_wall: reader.flag("showOnOfferWall", self.show_on_offer_wall).unwrap_or(true),
            deadline_days: days(reader.whole("deadlineDays", self.deadline_days, &(1..=DEADLINE_DAYS_MAX))),
            min_time_seconds: reader.whole(
                "minTimeFromPreviousEvent",
                self.min_time_from_previous_event,
                &(0..=MIN_TIME_SECONDS_MAX),
            ),
            allow_repetitions: reader.flag("allowRepetitions", self.allow_repetitions).unwrap_or_default(),
            caps: caps.read(reader),
            publisher_caps: publisher_caps.unwrap_or_default(),
        };
        reader.required("eventId", event_id, "the mapped event name, exactly as in AppsFlyer")?;
        Some(event)
    }
}

/// Compared byte for byte with what arrives, from which outer white space is cut: with some here, it could never match.
pub fn event_id(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > EVENT_ID_BYTES_MAX {
        return Err(format!("must be 1 to {EVENT_ID_BYTES_MAX} bytes long"));
    }
    if text.trim() != text {
        return Err(String::from("must not begin or end with white space"));
    }
    Ok(text.to_owned())
}
