//! Consuming in batches: take what is there, hand it to a handler, acknowledge after its commit.
//!
//! What may go wrong, and what happens then:
//!
//! | | |
//! |---|---|
//! | a message does not decode | rejected into `<queue>.dead`, logged with a fingerprint of its body |
//! | an item is refused or panics its handler | the batch is split in halves until the item is alone; then [`BatchHandler::bury`] |
//! | items are refused one after another | they are tried again, with what comes meanwhile, until something goes through or ten minutes are over: see `breaker` |
//! | an item can not even be buried | its message is rejected into `<queue>.dead`; its neighbours were handled |
//! | a message has ended the process before | its items are handled one by one, after everything else |
//! | the database is away | the batch is tried again until it is back: see `holding` |

mod breaker;
mod carry;
mod holding;
mod intake;
mod parcel;
mod task;

use std::future::Future;

use contracts::envelope::Envelope;

pub(crate) use task::ConsumeTask;

/// What a service does with the items of a queue.
pub trait BatchHandler: Send + Sync + 'static {
    /// Handles items in one transaction. `Ok` means committed: the items are acknowledged and not seen again — unless
    /// the process or the connection dies first, so every handler dedupes by `fact_id` inside the transaction. Twins
    /// may be in one batch.
    ///
    /// Never called with no items. May be called again with a part of the same items.
    fn handle(&self, items: &[Envelope]) -> impl Future<Output = Result<(), HandleError>> + Send;

    /// Puts one item that can not be handled where people find it and can replay it.
    fn bury(&self, item: &Envelope, reason: &str) -> impl Future<Output = Result<(), HandleError>> + Send;
}

/// Why items were not handled. Who raises it knows which it is; guessing later destroys good messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// Nothing is wrong with the items: something they need is away. They are tried again until it is back.
    #[error("paused: {0}")]
    Pause(String),
    /// Something is wrong with at least one of the items, and trying again changes nothing.
    #[error("poison: {0}")]
    Poison(String),
}
