//! What an offer allows. Caps, budgets and the over-limit action apply at once, whatever version a click was made under: only
//! the newest version's count.

use kernel::{Currency, Micros, OfferEventId};

use super::period::Period;

/// What becomes of a conversion that a limit has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OverLimit {
    /// It is refused.
    #[default]
    Reject,
    /// A person decides.
    Review,
    /// It is accepted with revenue and payout 0, and counts nowhere.
    AcceptUnpaid,
}

/// Whose conversions a cap counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CapOf {
    /// Those of the offer.
    Offer,
    /// Those of one event of it.
    Event(OfferEventId),
    /// Those of one event, for each publisher apart.
    EventByPublisher(OfferEventId),
}

/// A limit of how many conversions count in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cap {
    /// Whose.
    pub of: CapOf,
    /// In which.
    pub period: Period,
    /// How many, at least 1.
    pub bound: u64,
}

/// The limits of an offer, as its newest version says them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Which version.
    pub version: u32,
    /// Of the budgets.
    pub currency: Currency,
    /// Revenue of all time.
    pub total: Option<Micros>,
    /// Revenue of a day.
    pub daily: Option<Micros>,
    /// The least that must be left for clicks to go on: the smallest flat revenue above 0, one micro when the offer earns by
    /// percent only, 0 when it earns nothing.
    pub least: Micros,
    /// What becomes of what is above a limit.
    pub action: OverLimit,
    /// The caps, in their order.
    pub caps: Vec<Cap>,
}

impl OverLimit {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Reject, Self::Review, Self::AcceptUnpaid];

    /// The word in tables and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Review => "review",
            Self::AcceptUnpaid => "accept_unpaid",
        }
    }
}

impl CapOf {
    /// The event, when it is one's.
    #[must_use]
    pub const fn event(self) -> Option<OfferEventId> {
        match self {
            Self::Offer => None,
            Self::Event(event) | Self::EventByPublisher(event) => Some(event),
        }
    }

    /// Whether it counts this event's conversions.
    #[must_use]
    pub fn counts(self, event: OfferEventId) -> bool {
        self.event().is_none_or(|own| own == event)
    }
}

impl Bounds {
    /// The budgets that there are, each with the period it is for.
    pub fn budgets(&self) -> impl Iterator<Item = (Period, Micros)> {
        let total = self.total.map(|bound| (Period::AllTime, bound));
        total.into_iter().chain(self.daily.map(|bound| (Period::Day, bound)))
    }
}
