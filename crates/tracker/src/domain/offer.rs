//! A shared offer, as far as a click needs to know it.

use kernel::{AdvertiserId, LinkId, OfferId, PublisherId, TenantId, TimeWindow};

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
    /// The tenant's domain, lower case; `None` until its fact arrived.
    pub domain: Option<String>,
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
    /// What publishers see it called.
    pub name: String,
    /// Where clicks go; may hold macros.
    pub offer_link: String,
    /// Where refused clicks go.
    pub fallback_link: Option<String>,
    /// A person's word.
    pub status: OfferStatus,
    /// From launch until end.
    pub dates: TimeWindow,
}
