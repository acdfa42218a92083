//! A shared offer, as far as a click needs to know it. What does not depend on a click is worked out when it is loaded.

use kernel::{AdvertiserId, LinkId, OfferId, PublisherId, TenantId, TimeWindow};

use super::{budget::Budget, destination::Destination, targeting::Targeting};

/// A person's word on the offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferStatus {
    /// Not finished.
    Draft,
    /// Takes clicks within its dates.
    Ready,
    /// Takes no clicks for now.
    Paused,
    /// Takes no clicks any more.
    Ended,
}

/// A shared offer in its newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveOffer {
    /// Owner of the offer.
    pub tenant: TenantId,
    /// The tracking link.
    pub link: LinkId,
    /// The offer.
    pub offer: OfferId,
    /// Its newest version: the one a click is made under.
    pub version: u32,
    /// Who pays.
    pub advertiser: AdvertiserId,
    /// Whom it was shared with, for ever.
    pub publisher: PublisherId,
    /// Where clicks go; `None` when the offer link is broken.
    pub destination: Option<Destination>,
    /// Where refused clicks go: a URL in its normal form.
    pub fallback: Option<Box<str>>,
    /// A person's word.
    pub status: OfferStatus,
    /// From launch until end.
    pub dates: TimeWindow,
    /// Whom it is for.
    pub targeting: Targeting,
    /// Whether it can still be paid.
    pub budget: Budget,
    /// What users are shown: a preview of the link says no more.
    pub headline: Box<str>,
}
