//! The credential a postback came in under.

use std::collections::BTreeMap;

use kernel::{AdvertiserId, Timestamp};

/// A credential as the catalog last described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Set: only this advertiser's offers can match.
    pub advertiser: Option<AdvertiserId>,
    /// Its generations by number.
    pub generations: BTreeMap<u32, Generation>,
}

/// One generation of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation {
    /// First moment at which it is no longer accepted; none while it is current.
    pub valid_until: Option<Timestamp>,
}

impl Generation {
    /// Whether a postback received then was received under a valid generation.
    #[must_use]
    pub fn accepts(&self, received_at: Timestamp) -> bool {
        self.valid_until.is_none_or(|until| received_at < until)
    }
}
