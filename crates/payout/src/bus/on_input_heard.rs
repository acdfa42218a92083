//! attribution's word that its input is read. Every replica hears each on a queue of its own, which is gone with the connection: an
//! old one is worthless.

use ::bus::{BatchHandler, HandleError, Queue, Topology};
use contracts::{attribution::InputHeard, envelope::Envelope, open};
use hand_over::failure;
use kernel::Timestamp;

use crate::flows::input_lag::InputLag;

/// The queue's name in code.
pub const INPUT_HEARD: &str = "payout.input-heard";

/// What stands on the broker for payout.
#[must_use]
pub fn topology() -> Topology {
    Topology::house().queue(Queue::broadcast(INPUT_HEARD).fact::<InputHeard>())
}

/// Takes it down.
pub struct OnInputHeard {
    /// What this process knows of its input.
    pub input: InputLag,
}

impl BatchHandler for OnInputHeard {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        for item in items {
            let fact: InputHeard = open(item).map_err(|error| failure::of_contract(&error))?;
            self.input.hears(Timestamp::from_micros(fact.heard_until_micros));
        }
        Ok(())
    }

    async fn bury(&self, _item: &Envelope, reason: &str) -> Result<(), HandleError> {
        // Nothing is lost with it: the next one comes within seconds.
        tracing::error!(reason, "attribution's word that its input is read was left out");
        Ok(())
    }
}
