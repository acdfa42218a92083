//! The catalog's broadcast of credential generations. Every replica hears every broadcast on a queue of its own, which is
//! gone with the connection: an old broadcast is worthless.

use bus::{BatchHandler, HandleError, Queue, Topology};
use contracts::{catalog::CredentialGenerations, envelope::Envelope, open};
use telemetry::chain;

use crate::flows::{GenerationSet, SetError};

/// The queue's name in code.
pub const QUEUE: &str = "ingest.credential-generations";

/// What stands on the broker for ingest.
#[must_use]
pub fn topology() -> Topology {
    Topology::house().queue(Queue::broadcast(QUEUE).fact::<CredentialGenerations>())
}

/// Takes broadcast sets over.
#[derive(Debug, Clone)]
pub struct OnCredentialGenerations {
    /// Where they go.
    pub generations: GenerationSet,
}

impl BatchHandler for OnCredentialGenerations {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        for item in items {
            let fact: CredentialGenerations =
                open(item).map_err(|error| HandleError::Poison(chain(&error)))?;
            match self.generations.replace(&fact).await {
                Ok(()) => {}
                Err(error @ SetError::File(_)) => {
                    tracing::error!(error = %chain(&error), "credential generations are in force but not saved");
                }
                Err(error) => return Err(HandleError::Poison(chain(&error))),
            }
        }
        Ok(())
    }

    async fn bury(&self, _item: &Envelope, reason: &str) -> Result<(), HandleError> {
        // Nothing is lost with it: the catalog says the whole set again within seconds.
        tracing::error!(reason, "a broadcast of credential generations was left out");
        Ok(())
    }
}
