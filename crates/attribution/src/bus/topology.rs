//! The queues of attribution; replicas compete for each.

use bus::{Queue, Topology};
use contracts::{
    catalog::{
        AdvertiserChanged, ApiTokenChanged, CredentialChanged, OfferChanged, OfferVersionCreated,
        TenantChanged,
    },
    ingest::PostbackReceived,
    tracker::ClickRecorded,
};

use crate::flows::{CATALOG, CLICKS, POSTBACKS};

/// What stands on the broker for attribution.
#[must_use]
pub fn topology() -> Topology {
    Topology::new()
        .queue(Queue::shared(POSTBACKS).fact::<PostbackReceived>())
        .queue(Queue::shared(CLICKS).fact::<ClickRecorded>())
        .queue(
            Queue::shared(CATALOG)
                .fact::<TenantChanged>()
                .fact::<ApiTokenChanged>()
                .fact::<CredentialChanged>()
                .fact::<AdvertiserChanged>()
                .fact::<OfferVersionCreated>()
                .fact::<OfferChanged>(),
        )
}
