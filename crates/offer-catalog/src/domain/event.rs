//! One event of an offer: what AppsFlyer calls it, where it stands in the sequence, and what it is worth.

use kernel::{Bps, Days, Micros, OfferEventId};
use serde::{Deserialize, Serialize};

use super::offer::Caps;

/// The longest Event ID.
pub const EVENT_ID_BYTES_MAX: usize = 100;
/// The longest pending time.
pub const PENDING_DAYS_MAX: u16 = 365;
/// The latest deadline: a journey lives at most 400 days.
pub const DEADLINE_DAYS_MAX: u16 = 400;
/// The name AppsFlyer's install template must map to.
pub const INSTALL: &str = "Install";

/// What the advertiser owes for one conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Revenue {
    /// Always the same.
    Flat(Micros),
    /// A share of the amount that the postback reports.
    PercentOfAmount(Bps),
}

/// What the publisher earns for one conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Payout {
    /// Always the same.
    Flat(Micros),
    /// A share of the amount that the postback reports.
    PercentOfAmount(Bps),
    /// A share of the revenue.
    ShareOfRevenue(Bps),
}

/// One event as a person enters it; a draft's may lack anything but its name at AppsFlyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the published name")]
pub struct OfferEvent {
    /// Lasting: renaming the Event ID is the same event. `None` until the event is first saved.
    pub offer_event_id: Option<OfferEventId>,
    /// The mapped partner event name, exactly as in AppsFlyer; compared byte for byte.
    pub event_id: String,
    /// What a user sees.
    pub name: Option<String>,
    /// 1, 2, …; `None`: Independent.
    pub sequence_number: Option<u16>,
    /// Held before it is released.
    pub pending_time: Option<Days>,
    /// What the advertiser owes.
    pub revenue: Option<Revenue>,
    /// What the publisher earns.
    pub payout: Option<Payout>,
    /// Points that the publisher's user sees.
    pub reward: i64,
    /// Place in the list; presentation only.
    pub display_order: u16,
    /// Whether users see it.
    pub show_on_offer_wall: bool,
    /// Days after the anchor in which it counts.
    pub deadline_days: Option<Days>,
    /// Least time after the previous number was reached.
    pub min_time_seconds: Option<u64>,
    /// Whether it may happen more than once on a click.
    pub allow_repetitions: bool,
    /// How many count.
    pub caps: Caps,
    /// How many count for the publisher the offer is shared with.
    pub publisher_caps: Caps,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An event that a version could hold.
    pub(crate) fn event(event_id: &str, sequence_number: Option<u16>) -> OfferEvent {
        OfferEvent {
            offer_event_id: None,
            event_id: event_id.to_owned(),
            name: Some(event_id.to_owned()),
            sequence_number,
            pending_time: Some(Days(0)),
            revenue: Some(Revenue::Flat(Micros(2_000_000))),
            payout: Some(Payout::Flat(Micros(1_000_000))),
            reward: 0,
            display_order: 1,
            show_on_offer_wall: true,
            deadline_days: None,
            min_time_seconds: None,
            allow_repetitions: false,
            caps: Caps::default(),
            publisher_caps: Caps::default(),
        }
    }
}
