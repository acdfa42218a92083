//! Hears what the catalog says of tenants, tokens, credentials and offers.

use bus::{BatchHandler, HandleError};
use contracts::envelope::Envelope;
use telemetry::chain;

use super::{by_class, past_unreadable};
use crate::flows::{Attributor, CATALOG};

/// The consumer of `attribution.catalog`.
#[derive(Debug, Clone)]
pub struct OnCatalog(pub Attributor);

impl BatchHandler for OnCatalog {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        past_unreadable::handle(&self.0, CATALOG, items).await
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        self.0.bury(CATALOG, item, reason).await.map_err(|error| by_class(&error, chain(&error)))
    }
}
