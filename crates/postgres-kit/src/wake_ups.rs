//! How a commit wakes whoever waits for its work in the same process.
//!
//! Not by NOTIFY: PostgreSQL lets the transactions that notify commit one after another, each waiting for its own
//! write to reach the disk, in the whole cluster. Measured here with 16 writers, on a disk that answers in 0.1 ms:
//! 26 000 commits a second without it and 6 500 with it; on a slower disk it would be hundreds. Whoever does the work lives in
//! the process that commits, so a signal inside it does; what other processes commit is found by looking.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

tokio::task_local! {
    /// The work that this task's transaction has made.
    static MADE: RefCell<BTreeSet<&'static str>>;
}

/// The present transaction has made work of this name: when [`transact`](crate::transact()) commits it, whoever waits for it by
/// [`Pool::woken_by`](crate::Pool::woken_by) is woken. Any other commit wakes nobody.
pub fn after_commit(work: &'static str) {
    let _outside_of_transact = MADE.try_with(|made| made.borrow_mut().insert(work));
}

/// Who is woken, by the name of the work they wait for.
#[derive(Default)]
pub(crate) struct WakeUps(Mutex<BTreeMap<&'static str, Arc<Notify>>>);

impl WakeUps {
    pub(crate) fn of(&self, work: &'static str) -> Arc<Notify> {
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(work).or_default())
    }

    /// Runs a transaction to its end, and notifies of the work that it has committed.
    pub(crate) async fn watching<T, E>(
        &self,
        transaction: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let watched = async {
            let outcome = transaction.await;
            (outcome, MADE.with(RefCell::take))
        };
        let (outcome, made) = MADE.scope(RefCell::default(), watched).await;
        if outcome.is_ok() {
            for work in made {
                self.of(work).notify_one();
            }
        }
        outcome
    }
}
