//! Publishing with group commit: callers hand in items, one task owns the channel and every confirm on it.
//!
//! What arrives while messages are in flight waits and leaves together, as one persistent `FactBatch` a route. An idle
//! bus therefore publishes one item at once, and a busy one pays for one confirm per group instead of per item.
//!
//! Only the task holds confirms. A caller that stops waiting drops the receiving end of a oneshot and nothing else:
//! lapin would otherwise keep every dropped confirm for as long as the channel lives.
//!
//! An error says that the item is not *known* to be with the broker. Except for `Full`, `Rejected` and an item that never
//! left its queue it may be there all the same (a confirm can be lost on its way), so whoever tries again keeps the
//! item's `fact_id`, and readers tell twins apart by it.

mod groups;
mod item;
mod task;

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicUsize, Ordering},
};

use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use task::PublishTask;

pub use item::Item;

use crate::{settings::BusSettings, topology::Route};

/// An AMQP short string holds 255 bytes.
const LONGEST_NAME: usize = 255;
/// Far below the 16 MiB at which newer brokers refuse a message.
const LARGEST_ITEM: usize = 8 * 1024 * 1024;

/// Why an item is not known to be with the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// There is no connection, or it ended before the confirm came.
    #[error("no connection to the broker")]
    Disconnected,
    /// The broker is short of memory or disk and has stopped reading.
    #[error("the broker has blocked publishing")]
    Blocked,
    /// The broker did not confirm in time. The item may yet arrive.
    #[error("the broker did not confirm in time")]
    TimedOut,
    /// The broker refused it now. Nothing is known to be wrong with the item: it may be taken later.
    #[error("refused by the broker: {0}")]
    Nacked(&'static str),
    /// This item can never be published: it is empty, too large, or its route has too long a name. The only answer that
    /// blames the item, and the only one that is given without asking the broker.
    #[error("rejected: {0}")]
    Rejected(&'static str),
    /// Too much waits already. Nothing was taken.
    #[error("too much waits to be published")]
    Full,
}

impl PublishError {
    /// One word, for a metric's label.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Blocked => "blocked",
            Self::TimedOut => "timed_out",
            Self::Nacked(_) => "nacked",
            Self::Rejected(_) => "rejected",
            Self::Full => "full",
        }
    }
}

type Answer = Result<(), PublishError>;

/// An item on its way to the task.
struct Submission {
    route: Route,
    item: Item,
    answer: oneshot::Sender<Answer>,
}

/// Whether publishing has a chance just now, readable without a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Disconnected,
    Blocked,
    /// Connected, but confirms are overdue and none has come for as long: the broker or the way to it hangs.
    Stalled,
    Writable,
}

/// What handles and the task share.
struct Shared {
    condition: AtomicU8,
    /// The same, for those who wait for a change.
    changes: watch::Sender<Condition>,
    /// Bytes handed in and not yet answered or given back.
    held_bytes: AtomicUsize,
    largest_held: usize,
}

impl Shared {
    fn new(largest_held: usize) -> Self {
        Self {
            condition: AtomicU8::new(0),
            changes: watch::Sender::new(Condition::Disconnected),
            held_bytes: AtomicUsize::new(0),
            largest_held,
        }
    }

    fn condition(&self) -> Condition {
        match self.condition.load(Ordering::Acquire) {
            3 => Condition::Writable,
            2 => Condition::Stalled,
            1 => Condition::Blocked,
            _ => Condition::Disconnected,
        }
    }

    fn set_condition(&self, condition: Condition) {
        let code = match condition {
            Condition::Disconnected => 0,
            Condition::Blocked => 1,
            Condition::Stalled => 2,
            Condition::Writable => 3,
        };
        self.condition.store(code, Ordering::Release);
        self.changes.send_replace(condition);
    }

    async fn connected(&self) {
        // The sender is `self`: it can not be gone.
        drop(self.changes.subscribe().wait_for(|condition| *condition != Condition::Disconnected).await);
    }

    fn hold(&self, bytes: usize) -> Answer {
        let before = self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.largest_held && before > 0 {
            self.release(bytes);
            return Err(PublishError::Full);
        }
        Ok(())
    }

    fn release(&self, bytes: usize) {
        self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Publishes items and tells when the broker has them on disk. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    submissions: mpsc::Sender<Submission>,
    shared: Arc<Shared>,
}

impl Publisher {
    /// A handle, and the receiving end for the task.
    fn new(settings: &BusSettings) -> (Self, mpsc::Receiver<Submission>) {
        let (submissions, receiver) = mpsc::channel(settings.queue_items);
        (Self { submissions, shared: Arc::new(Shared::new(settings.queue_bytes)) }, receiver)
    }

    /// Whether the broker takes what is published now.
    pub(crate) fn is_writable(&self) -> bool {
        self.shared.condition() == Condition::Writable && !self.submissions.is_closed()
    }

    /// Waits for a channel to publish on.
    pub(crate) async fn connected(&self) {
        self.shared.connected().await;
    }

    /// Publishes one item; resolves when a quorum of the broker has it on disk.
    ///
    /// Fails at once, without waiting, while the broker is away, blocked or silent and when too much waits. Dropping the future
    /// takes an item back that has not left yet; one that has left may arrive.
    ///
    /// # Errors
    /// [`PublishError`]; everything but success means "not known to be there".
    pub async fn publish(&self, route: &Route, item: impl Into<Item>) -> Result<(), PublishError> {
        let (submission, answer) = self.admit(route.clone(), item.into())?;
        let bytes = submission.item.len();
        if let Err(refused) = self.submissions.try_send(submission) {
            self.shared.release(bytes);
            return Err(match refused {
                mpsc::error::TrySendError::Full(_) => PublishError::Full,
                mpsc::error::TrySendError::Closed(_) => PublishError::Disconnected,
            });
        }
        answered(answer).await
    }

    /// Publishes many items, for a relay: waits for room instead of refusing, and for all confirms.
    ///
    /// # Errors
    /// The first failure, once every item has its answer; then any of the items may be there.
    pub async fn publish_all<I: Into<Item>>(&self, items: Vec<(Route, I)>) -> Result<(), PublishError> {
        let mut answers = Vec::with_capacity(items.len());
        let mut result = Ok(());
        for (route, item) in items {
            match self.submit_patiently(route, item.into()).await {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        for answer in answers {
            result = result.and(answered(answer).await);
        }
        result
    }

    async fn submit_patiently(
        &self,
        route: Route,
        item: Item,
    ) -> Result<oneshot::Receiver<Answer>, PublishError> {
        // The room in the queue first: while it is awaited nothing is held.
        let room = self.submissions.reserve().await.map_err(|_closed| PublishError::Disconnected)?;
        let (submission, answer) = self.admit(route, item)?;
        room.send(submission);
        Ok(answer)
    }

    fn admit(
        &self,
        route: Route,
        item: Item,
    ) -> Result<(Submission, oneshot::Receiver<Answer>), PublishError> {
        match self.shared.condition() {
            Condition::Writable => {}
            Condition::Blocked => return Err(PublishError::Blocked),
            Condition::Stalled => return Err(PublishError::TimedOut),
            Condition::Disconnected => return Err(PublishError::Disconnected),
        }
        if route.exchange.len() > LONGEST_NAME || route.routing_key.len() > LONGEST_NAME {
            return Err(PublishError::Rejected("the route has a name of more than 255 bytes"));
        }
        if item.is_empty() {
            return Err(PublishError::Rejected("the envelope is empty"));
        }
        if item.len() > LARGEST_ITEM {
            return Err(PublishError::Rejected("the envelope has more than 8 MiB"));
        }
        self.shared.hold(item.len())?;
        let (sender, receiver) = oneshot::channel();
        Ok((Submission { route, item, answer: sender }, receiver))
    }
}

async fn answered(answer: oneshot::Receiver<Answer>) -> Answer {
    // The task answers everything it takes; without it there is no connection.
    answer.await.unwrap_or(Err(PublishError::Disconnected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_bounded_but_one_item_always_fits() {
        let shared = Shared::new(10);
        assert_eq!(shared.hold(50), Ok(()), "alone, even a larger one may pass");
        assert_eq!(shared.hold(1), Err(PublishError::Full));
        shared.release(50);
        assert_eq!(shared.hold(4), Ok(()));
        assert_eq!(shared.hold(6), Ok(()));
        assert_eq!(shared.hold(1), Err(PublishError::Full));
    }

    #[tokio::test]
    async fn nothing_is_taken_before_there_is_a_connection() {
        let (publisher, mut queue) = Publisher::new(&BusSettings::default());
        let route = Route::new("ingest.events", "postback.received.v1");
        let refused = publisher.publish(&route, Item::encoded(vec![1])).await;
        assert_eq!(refused, Err(PublishError::Disconnected));
        publisher.shared.set_condition(Condition::Blocked);
        assert_eq!(publisher.publish(&route, Item::encoded(vec![1])).await, Err(PublishError::Blocked));
        assert!(queue.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let settings = BusSettings { queue_items: 1, ..BusSettings::default() };
        let (publisher, _queue) = Publisher::new(&settings);
        publisher.shared.set_condition(Condition::Writable);
        let route = Route::new("ingest.events", "postback.received.v1");
        let waiting = publisher.clone();
        let mut first = Box::pin(waiting.publish(&route, Item::encoded(vec![1])));
        assert!(futures_util::poll!(&mut first).is_pending());
        assert_eq!(publisher.publish(&route, Item::encoded(vec![1])).await, Err(PublishError::Full));
        assert_eq!(publisher.shared.held_bytes.load(Ordering::Relaxed), 1, "only the first is held");
    }
}
