//! Facts of offer-catalog: tenants, offers and their versions, into the read model.

use bus::{BatchHandler, HandleError, Queue, Topology};
use contracts::{
    catalog::{OfferChanged, OfferVersionCreated, TenantChanged},
    envelope::Envelope,
};
use postgres_kit::{Pool, sqlstate::Class};
use telemetry::chain;

use crate::flows::{self, ApplyError};

/// The queue's name in code; replicas compete for it.
pub const QUEUE: &str = "tracker.catalog";

/// What stands on the broker for the tracker.
#[must_use]
pub fn topology() -> Topology {
    Topology::new().queue(
        Queue::shared(QUEUE).fact::<TenantChanged>().fact::<OfferVersionCreated>().fact::<OfferChanged>(),
    )
}

/// Applies catalog facts.
#[derive(Clone)]
pub struct OnCatalog {
    /// The tracker's database.
    pub pool: Pool,
}

impl BatchHandler for OnCatalog {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        flows::apply_catalog(&self.pool, items).await.map_err(|error| match &error {
            ApplyError::Unreadable(_) => HandleError::Poison(chain(&error)),
            ApplyError::Store(failure) => match failure.class() {
                Class::Retry | Class::Pause => HandleError::Pause(chain(&error)),
                Class::Bug => HandleError::Poison(chain(&error)),
            },
        })
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        flows::bury(&self.pool, QUEUE, item, reason).await.map_err(|error| HandleError::Pause(chain(&error)))
    }
}
