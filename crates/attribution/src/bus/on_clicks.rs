//! Hears tracker's `ClickRecorded`.

use bus::{BatchHandler, HandleError};
use contracts::envelope::Envelope;
use telemetry::chain;

use super::{by_class, past_unreadable};
use crate::flows::{Attributor, CLICKS};

/// The consumer of `attribution.clicks`.
#[derive(Debug, Clone)]
pub struct OnClicks(pub Attributor);

impl BatchHandler for OnClicks {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        past_unreadable::handle(&self.0, CLICKS, items).await
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        self.0.bury(CLICKS, item, reason).await.map_err(|error| by_class(&error, chain(&error)))
    }
}
