//! Facts of offer-catalog: tenants, offers and their versions, into the read model.

use bus::{BatchHandler, HandleError, house::TRACKER_CATALOG};
use contracts::envelope::Envelope;
use postgres_kit::{DbError, Pool, dead_items, sqlstate::Class};
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
            ApplyError::Store(failure) => refusal(failure),
        })
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        dead_items::bury_one(&self.pool, TRACKER_CATALOG, item, reason).await.map_err(|error| refusal(&error))
    }
}

/// A database that is away is waited for; what no waiting will help goes to where people look.
fn refusal(failure: &DbError) -> HandleError {
    match failure.class() {
        Class::Retry | Class::Pause => HandleError::Pause(chain(failure)),
        Class::Bug => HandleError::Poison(chain(failure)),
    }
}
