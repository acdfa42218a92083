//! Which limit it was.

use std::fmt;

use super::period::Period;

/// A limit of an offer, without its bound: what is remembered of the one that had no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// A cap of all its conversions.
    OfferCap(Period),
    /// A cap of the conversion's event.
    EventCap(Period),
    /// A cap of the conversion's event and publisher.
    PublisherCap(Period),
    /// The budget of all time, or of a day.
    Budget(Period),
}

impl Limit {
    /// Every limit there can be.
    pub fn all() -> impl Iterator<Item = Self> {
        Period::ALL.into_iter().flat_map(|period| {
            [Self::OfferCap(period), Self::EventCap(period), Self::PublisherCap(period), Self::Budget(period)]
        })
    }

    /// The end of its code: `CAP` or `BUDGET`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::OfferCap(_) | Self::EventCap(_) | Self::PublisherCap(_) => "CAP",
            Self::Budget(_) => "BUDGET",
        }
    }

    /// Its words in tables: whose, and of which period.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::OfferCap(period) => ("offer_cap", period.word()),
            Self::EventCap(period) => ("event_cap", period.word()),
            Self::PublisherCap(period) => ("publisher_cap", period.word()),
            Self::Budget(period) => ("budget", period.word()),
        }
    }
}

/// The sentence that publishers read too: it names no amount.
impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (period, whose) = match self {
            Self::Budget(period) => {
                let each = if *period == Period::AllTime { "budget" } else { "daily budget" };
                return write!(out, "the {each} of the offer has no room for this conversion");
            }
            Self::OfferCap(period) => (period, "offer"),
            Self::EventCap(period) => (period, "event"),
            Self::PublisherCap(period) => (period, "event for one publisher"),
        };
        let each = match period {
            Period::Day => "daily cap",
            Period::Week => "weekly cap",
            Period::Month => "monthly cap",
            Period::AllTime => "cap",
        };
        write!(out, "the {each} of the {whose} is reached")
    }
}
