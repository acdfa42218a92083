//! Facts of offer-catalog: tenants, offers and their versions, into the read model.

use bus::{BatchHandler, HandleError, house::TRACKER_CATALOG};
use contracts::envelope::Envelope;
use hand_over::failure;
use postgres_kit::Pool;
use telemetry::chain;

use crate::flows::{self, ApplyError};

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
            ApplyError::Store(refusal) => failure::of_store(refusal),
        })
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        failure::bury(&self.pool, TRACKER_CATALOG, item, reason).await
    }
}
