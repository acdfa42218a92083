//! Lists are read page by page.

use kernel::{AdvertiserId, PublisherId, Role};

use super::{
    offer::OfferType,
    status::{DisplayStatus, OfferStatus},
};

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

/// By what a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// When it came to be.
    CreatedAt,
    /// When it was last changed; of offers only.
    UpdatedAt,
    /// By name.
    Name,
}

/// How a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// The greatest first: `-createdAt`.
    pub is_descending: bool,
}

impl Sort {
    /// From the least.
    #[must_use]
    pub const fn up(key: SortKey) -> Self {
        Self { key, is_descending: false }
    }

    /// From the greatest.
    #[must_use]
    pub const fn down(key: SortKey) -> Self {
        Self { key, is_descending: true }
    }
}

/// Which offers a list shows.
#[derive(Debug, Clone, Default)]
pub struct OfferFilter {
    /// Only with this status.
    pub status: Option<OfferStatus>,
    /// Only those that are seen with this status now.
    pub display: Option<DisplayStatus>,
    /// Only of this advertiser.
    pub advertiser: Option<AdvertiserId>,
    /// Only shared with this publisher.
    pub publisher: Option<PublisherId>,
    /// Only of this type.
    pub offer_type: Option<OfferType>,
    /// Only tracked by this system.
    pub tracking_system: Option<String>,
    /// Only with this in its name, in any case.
    pub name_contains: Option<String>,
}

impl OfferFilter {
    /// Whether offers that fit are counted as they change.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        // Whether an offer is live is a matter of time, which changes no row.
        self.display.is_none()
            && self.advertiser.is_none()
            && self.publisher.is_none()
            && self.name_contains.is_none()
    }
}

/// Which advertisers or publishers a list shows.
#[derive(Debug, Clone, Default)]
pub struct PartnerFilter {
    /// Only with this in its name, in any case.
    pub name_contains: Option<String>,
    /// Only those that take part, or do not.
    pub active: Option<bool>,
}

/// Which tokens a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokenFilter {
    /// Only with this role.
    pub role: Option<Role>,
    /// Only of this publisher.
    pub publisher: Option<PublisherId>,
}
