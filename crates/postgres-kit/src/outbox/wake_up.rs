//! How a commit wakes the relay beside it.
//!
//! Not by NOTIFY: PostgreSQL lets the transactions that notify commit one after another, each waiting for its own
//! write to reach the disk, in the whole cluster. Measured here with 16 writers, on a disk that answers in 0.1 ms:
//! 26 000 commits a second without it and 6 500 with it; on a slower disk it would be hundreds. The relay lives in the
//! process that commits, so a signal inside it does; what other processes commit is found by looking.

use std::{cell::Cell, future::Future};

use tokio::sync::Notify;

tokio::task_local! {
    /// Whether the transaction that this task is in has added facts.
    static HAS_ADDED: Cell<bool>;
}

/// The present transaction has added facts. Outside of [`crate::transact`] nobody asks.
pub(super) fn after_commit() {
    let _outside_of_transact = HAS_ADDED.try_with(|has_added| has_added.set(true));
}

/// Runs a transaction to its end, and signals `grew` when it has committed facts.
pub(crate) async fn signalling<T, E>(
    grew: &Notify,
    transaction: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let watched = async {
        let outcome = transaction.await;
        (outcome, HAS_ADDED.with(Cell::get))
    };
    let (outcome, has_added) = HAS_ADDED.scope(Cell::new(false), watched).await;
    if has_added && outcome.is_ok() {
        grew.notify_one();
    }
    outcome
}
