//! Advertisers, who pay, and publishers, who are paid and told.

use kernel::{Money, OfferEventId, OfferId};
use serde::{Deserialize, Serialize};

use super::custom_header::EnteredHeader;

/// The longest review window: the longest pending time.
pub const REVIEW_WINDOW_DAYS_MAX: u16 = 365;

/// The most postbacks to a publisher at a time, of each of payout's replicas: half of what one has claimed in all, as its settings come.
/// So no publisher, however slow, has a replica to itself.
pub const CONCURRENCY_MAX: u16 = 256;
/// The most postbacks to a publisher a second, of all replicas: ten times what it is told without a number of its own.
pub const PER_SECOND_MAX: u16 = 10_000;

/// Places where a publisher is told: its fact carries all of them.
pub const POSTBACKS_MAX: usize = 500;
/// Hours for which a replaced signing secret is still used, unless somebody says otherwise.
pub const SECRET_OVERLAP_HOURS: u16 = 24;
/// The longest such time: a week.
pub const SECRET_OVERLAP_HOURS_MAX: u16 = 168;

/// What a person enters about an advertiser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdvertiserFields {
    /// Shown to people.
    pub name: String,
    /// Days the advertiser takes to verify conversions.
    pub review_window_days: Option<u16>,
    /// Over all its offers.
    pub total_budget: Option<Money>,
}

/// What a person enters about a publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublisherFields {
    /// Shown to people.
    pub name: String,
    /// How fast it is told.
    #[serde(flatten)]
    pub pace: Pace,
}

/// How fast a publisher is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pace {
    /// Postbacks at a time, 1 to [`CONCURRENCY_MAX`], of each of payout's replicas; absent: as its settings say.
    pub max_concurrency: Option<u16>,
    /// Postbacks a second, 1 to [`PER_SECOND_MAX`], of all replicas together; absent: as payout's settings say.
    pub max_per_second: Option<u16>,
}

/// How a publisher is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PostbackMethod {
    /// GET of the URL template with macros.
    #[serde(rename = "GET")]
    Get,
    /// POST of the full conversion as JSON.
    #[serde(rename = "POST")]
    PostJson,
}

impl PostbackMethod {
    /// The word in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::PostJson => "POST",
        }
    }

    /// Reads [`PostbackMethod::as_str`] back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Get, Self::PostJson].into_iter().find(|method| method.as_str() == word)
    }
}

/// A conversion's status that a publisher may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ToldStatus {
    /// Opt-in.
    Pending,
    /// Always.
    Success,
    /// Opt-in.
    Rejected,
}

impl ToldStatus {
    /// The word in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Success => "Success",
            Self::Rejected => "Rejected",
        }
    }

    /// Reads [`ToldStatus::as_str`] back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Success, Self::Rejected].into_iter().find(|status| status.as_str() == word)
    }
}

/// What an endpoint hears of. The most specific one that there is wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointScope {
    /// Every offer.
    Global,
    /// One offer.
    Offer(OfferId),
    /// One event of an offer.
    Event(OfferId, OfferEventId),
}

impl EndpointScope {
    /// The offer, when it is one's.
    #[must_use]
    pub const fn offer(self) -> Option<OfferId> {
        match self {
            Self::Global => None,
            Self::Offer(offer) | Self::Event(offer, _) => Some(offer),
        }
    }

    /// The event, when it is one's.
    #[must_use]
    pub const fn event(self) -> Option<OfferEventId> {
        match self {
            Self::Global | Self::Offer(_) => None,
            Self::Event(_, event) => Some(event),
        }
    }
}

/// Where and how a publisher is told, as a person enters it: the signing secret is made by us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointFields {
    /// GET or POST.
    pub method: PostbackMethod,
    /// With macros.
    pub url_template: String,
    /// Success, and what the publisher opted in to.
    pub statuses: Vec<ToldStatus>,
    /// For an offer's or event's: the global one is told as well.
    pub also_global: bool,
}

/// All that a person enters about a place where a publisher is told.
#[derive(Debug, Clone)]
pub struct EnteredEndpoint {
    /// Where and how.
    pub fields: EndpointFields,
    /// A header of the publisher's own.
    pub header: Option<EnteredHeader>,
}
