//! Hears what payout says of conversions: people's decisions, statuses, how deliveries ended.

use bus::{BatchHandler, HandleError};
use contracts::envelope::Envelope;
use telemetry::chain;

use super::{by_class, past_unreadable};
use crate::flows::{Attributor, PAYOUT};

/// The consumer of `attribution.payout`.
#[derive(Debug, Clone)]
pub struct OnPayout(pub Attributor);

impl BatchHandler for OnPayout {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        past_unreadable::handle(&self.0, PAYOUT, items).await
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        self.0.bury(PAYOUT, item, reason).await.map_err(|error| by_class(&error, chain(&error)))
    }
}
