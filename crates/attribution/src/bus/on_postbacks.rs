//! Hears ingest's `PostbackReceived`.

use bus::{BatchHandler, HandleError};
use contracts::envelope::Envelope;
use telemetry::chain;

use super::{by_class, past_unreadable};
use crate::flows::{Attributor, POSTBACKS};

/// The consumer of `attribution.postbacks`.
#[derive(Debug, Clone)]
pub struct OnPostbacks(pub Attributor);

impl BatchHandler for OnPostbacks {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        past_unreadable::handle(&self.0, POSTBACKS, items).await
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        self.0.bury(POSTBACKS, item, reason).await.map_err(|error| by_class(&error, chain(&error)))
    }
}
