//! Lists are read page by page.

use kernel::{AdvertiserId, PublisherId};

use super::status::OfferStatus;

/// One page of a list, and how many there are in all.
#[derive(Debug, Clone)]
pub struct Slice<T> {
    /// This page.
    pub items: Vec<T>,
    /// On all pages.
    pub total: u64,
}

/// Where a page begins and how long it is.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// How many to skip.
    pub offset: i64,
    /// How many to take.
    pub limit: i64,
}

/// Which offers a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfferFilter {
    /// Only with this status.
    pub status: Option<OfferStatus>,
    /// Only of this advertiser.
    pub advertiser: Option<AdvertiserId>,
    /// Only shared with this publisher.
    pub publisher: Option<PublisherId>,
}
