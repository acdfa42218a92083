//! What is known of one journey. Times are microseconds since 1970.

use std::collections::{BTreeMap, BTreeSet};

/// An hour.
pub const HOUR: i64 = 3_600_000_000;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Everything the answer depends on.
#[derive(Debug, Clone, Default)]
pub struct Case {
    /// Whether the click id carries our MAC.
    pub ours: bool,
    /// The click, once it has arrived.
    pub click: Option<Click>,
    /// The versions of its offer that are known.
    pub versions: Vec<Version>,
    /// Stretches in which all events were stopped: from, and until when they go on.
    pub stops: Vec<(i64, Option<i64>)>,
    /// The credentials that are known.
    pub credentials: Vec<Credential>,
    /// The accepted postbacks; a receipt may be there more than once.
    pub postbacks: Vec<Postback>,
    /// What people decided.
    pub people: Vec<Person>,
    /// Events that the click's member did first through another click.
    pub done_elsewhere: BTreeSet<u64>,
    /// The time by which what waits is judged.
    pub now: i64,
}

/// The click.
#[derive(Debug, Clone)]
pub struct Click {
    /// When.
    pub at: i64,
    /// The version of the offer it was made under.
    pub version: u32,
    /// Whose offer.
    pub advertiser: u64,
    /// Whether the publisher named a member.
    pub has_member: bool,
}

/// A credential.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its id.
    pub id: u64,
    /// Whose it is, unless it is the tenant's.
    pub advertiser: Option<u64>,
    /// Its generations, each with the moment from which it is refused.
    pub generations: BTreeMap<u32, Option<i64>>,
}

/// A version of the offer.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its number.
    pub number: u32,
    /// From when.
    pub from: i64,
    /// Until before when.
    pub until: Option<i64>,
    /// Its app.
    pub app: Option<String>,
    /// Countries; none: all.
    pub countries: Vec<String>,
    /// Platforms; none: all.
    pub platforms: Vec<String>,
    /// How long a step waits for the ones before it.
    pub grace: i64,
    /// How numbers are reached, where it says so.
    pub reached: BTreeMap<u32, Reached>,
    /// Its events.
    pub events: Vec<Event>,
}

/// How a number is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// When one of its events is.
    Any,
    /// When all of them are.
    All,
}

/// An event of a version.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its lasting id.
    pub id: u64,
    /// Its Event ID.
    pub name: String,
    /// Its number; none: Independent.
    pub number: Option<u32>,
    /// Its terms in this version.
    pub terms: Terms,
    /// The version that introduced it.
    pub introduced: u32,
    /// Its terms there.
    pub introduced_terms: Terms,
}

/// Terms of an event.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Days of the deadline.
    pub deadline_days: Option<i64>,
    /// What it counts from.
    pub anchor: Anchor,
    /// Least time since the number before.
    pub min_time: Option<i64>,
    /// Whether it may earn more than once.
    pub repeats: bool,
    /// The currency of amounts that name none.
    pub currency: String,
}

/// What a deadline counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The click.
    Click,
    /// The install time that the postback carries, else the click.
    Install,
}

/// A postback that names the click.
#[derive(Debug, Clone, Default)]
pub struct Postback {
    /// Its receipt.
    pub receipt: u64,
    /// When it was received.
    pub received: i64,
    /// The credential it came in under.
    pub credential: u64,
    /// Its generation.
    pub generation: u32,
    /// The Event ID it reports.
    pub event: String,
    /// The event's own time.
    pub event_time: Option<i64>,
    /// The install's time.
    pub install_time: Option<i64>,
    /// The amount.
    pub amount: Option<i64>,
    /// Its currency.
    pub currency: Option<String>,
    /// The amount in US dollars.
    pub usd: Option<i64>,
    /// Its conversion id.
    pub conversion_id: Option<String>,
    /// Whether it says to be the primary attribution.
    pub primary: Option<bool>,
    /// Whether it says to be a re-engagement.
    pub reengagement: bool,
    /// Whether AppsFlyer rejected it.
    pub flagged: bool,
    /// Its app.
    pub app: Option<String>,
    /// Its country.
    pub country: Option<String>,
    /// Its platform, when it is one we know.
    pub platform: Option<String>,
}

impl Postback {
    /// Effective time: min(event time, received), or received when there is none.
    pub(crate) fn te(&self) -> i64 {
        self.event_time.map_or(self.received, |at| at.min(self.received))
    }
}

/// A postback that names no usable click.
#[derive(Debug, Clone, Default)]
pub struct Stray {
    /// It names something, but no click id.
    pub names_something: bool,
    /// It names a device or a user.
    pub names_device: bool,
    /// Its times.
    pub times: Vec<i64>,
    /// Its media source.
    pub media_source: Option<String>,
}

/// What a person decided about a conversion.
#[derive(Debug, Clone)]
pub struct Person {
    /// The event.
    pub event: u64,
    /// The occurrence.
    pub occurrence: String,
    /// When; its id breaks ties.
    pub stamp: (i64, u128),
    /// What.
    pub act: Act,
}

/// What a person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Approve, restore or clear a review: it counts.
    Accept,
    /// Reject: it does not.
    Reject,
}

impl Case {
    /// The versions that speak for the click: its own and any later one.
    pub(crate) fn speaking(&self, click: &Click) -> Vec<&Version> {
        let mut versions: Vec<&Version> =
            self.versions.iter().filter(|version| version.number >= click.version).collect();
        versions.sort_by_key(|version| version.number);
        versions
    }

    /// The newest of them that has an event.
    pub(crate) fn newest(&self, click: &Click, event: u64) -> Option<(&Version, &Event)> {
        self.speaking(click)
            .into_iter()
            .rev()
            .find_map(|version| version.events.iter().find(|one| one.id == event).map(|one| (version, one)))
    }
}
