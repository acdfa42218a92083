//! The offer in all its versions, as far as the rules look at it. Money is freight: no rule of attribution reads it.

use std::collections::BTreeMap;

use kernel::{AdvertiserId, Currency, OfferEventId, TimeWindow, Timestamp};

/// An offer: every version known here, side by side, and what applies at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offer {
    /// Versions by number.
    pub versions: BTreeMap<u32, Version>,
    /// Stretches in which all events were stopped.
    pub stops: Vec<TimeWindow>,
}

/// One immutable version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// 1, 2, 3 …
    pub number: u32,
    /// Whose offer it is.
    pub advertiser: AdvertiserId,
    /// The offer's name in it.
    pub name: String,
    /// The advertiser's app at AppsFlyer, when known.
    pub app_id: Option<String>,
    /// From launch to end.
    pub dates: TimeWindow,
    /// Upper-case ISO codes; empty: every country.
    pub countries: Vec<String>,
    /// Empty: every platform.
    pub platforms: Vec<Platform>,
    /// Its events.
    pub events: Vec<OfferEvent>,
    /// How numbers are reached, where the offer says so.
    pub reached_by: BTreeMap<u32, ReachedBy>,
    /// How long an event out of order waits for its predecessors.
    pub grace_seconds: i64,
}

/// An event of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferEvent {
    /// Lasting: survives renaming.
    pub id: OfferEventId,
    /// The mapped partner event name, compared byte for byte.
    pub event_id: String,
    /// What a user sees.
    pub name: String,
    /// Its place in the sequence; none: Independent.
    pub number: Option<u32>,
    /// What clicks of this version get.
    pub terms: EventTerms,
    /// The version that first had it.
    pub introduced_in: u32,
    /// What clicks of older versions get.
    pub introduced_terms: EventTerms,
}

/// The terms that rules read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTerms {
    /// Days until the event must have happened.
    pub deadline_days: Option<u16>,
    /// Counted from where.
    pub deadline_anchor: DeadlineAnchor,
    /// Least time after the previous number was reached.
    pub min_time_seconds: Option<i64>,
    /// Whether the event may earn more than once on a click.
    pub repetitions_allowed: bool,
    /// Currency of an amount that names none.
    pub currency: Currency,
}

/// Where a deadline counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadlineAnchor {
    /// The click.
    Click,
    /// The install time that the postback carries, else the click.
    Install,
}

/// How a number is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReachedBy {
    /// By every event of the number.
    All,
    /// By one event of the number.
    Any,
}

/// A device's platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// iPhone, iPad.
    Ios,
    /// Android.
    Android,
    /// Mac.
    MacOs,
    /// A web browser.
    Browser,
}

impl Platform {
    /// Reads AppsFlyer's word; an unknown word states no platform.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let is = |names: &[&str]| names.iter().any(|name| word.trim().eq_ignore_ascii_case(name));
        if is(&["ios", "iphone", "ipad"]) {
            Some(Self::Ios)
        } else if is(&["android"]) {
            Some(Self::Android)
        } else if is(&["macos", "mac", "osx"]) {
            Some(Self::MacOs)
        } else if is(&["browser", "web"]) {
            Some(Self::Browser)
        } else {
            None
        }
    }
}

impl Offer {
    /// The versions that can speak for a click: its own and later ones, the newest last.
    pub(crate) fn since_version(&self, first: u32) -> impl DoubleEndedIterator<Item = &Version> {
        self.versions.range(first..).map(|(_, version)| version)
    }

    /// The newest version that has the event, among those that can speak for a click.
    pub(crate) fn newest_with(&self, first: u32, event: OfferEventId) -> Option<(&Version, &OfferEvent)> {
        self.since_version(first).rev().find_map(|version| version.event(event).map(|found| (version, found)))
    }

    /// Whether all events were stopped at that moment.
    pub(crate) fn is_stopped_at(&self, moment: Timestamp) -> bool {
        self.stops.iter().any(|stop| stop.contains(moment))
    }
}

impl Version {
    pub(crate) fn event(&self, id: OfferEventId) -> Option<&OfferEvent> {
        self.events.iter().find(|event| event.id == id)
    }

    pub(crate) fn event_by_name(&self, event_id: &str) -> Option<&OfferEvent> {
        self.events.iter().find(|event| event.event_id == event_id)
    }

    pub(crate) fn events_of_number(&self, number: u32) -> impl Iterator<Item = &OfferEvent> {
        self.events.iter().filter(move |event| event.number == Some(number))
    }

    /// The numbers in use below one, ascending.
    pub(crate) fn numbers_below(&self, number: u32) -> Vec<u32> {
        let mut numbers: Vec<u32> =
            self.events.iter().filter_map(|event| event.number).filter(|lower| *lower < number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// How a number is reached: as the offer says, else `any` for a number 1 of several events (Install, App Open,
    /// FTUE), else `all`.
    pub(crate) fn rule_of(&self, number: u32) -> ReachedBy {
        self.reached_by.get(&number).copied().unwrap_or_else(|| {
            if number == 1 && self.events_of_number(1).count() > 1 { ReachedBy::Any } else { ReachedBy::All }
        })
    }
}
