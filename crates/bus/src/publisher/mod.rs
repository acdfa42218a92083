//! Publishing with group commit: callers hand in items, one task owns the channel and every confirm on it.
//!
//! What arrives while messages are in flight waits and leaves together, as one persistent `FactBatch` a route. An idle
//! bus therefore publishes one item at once, and a busy one pays for one confirm per group instead of per item. Under load messages of
//! a route leave a moment apart besides: the head of `groups` says why.
//!
//! Only the task holds confirms. A caller that stops waiting drops the receiving end of a oneshot and nothing else:
//! lapin would otherwise keep every dropped confirm for as long as the channel lives.
//!
//! With a spool, what the broker does not take (it is away, blocked, slower than the limit, or says no) goes there, group by
//! group, and its callers are answered when this machine's disk has it: see [`crate::spool`].
//!
//! An error says that the item is not *known* to be with the broker. Except for `Full`, `Rejected` and an item that never
//! left its queue it may be there all the same (a confirm can be lost on its way), so whoever tries again keeps the
//! item's `fact_id`, and readers tell twins apart by it.

mod groups;
mod item;
mod lane;
mod task;

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use groups::Limits;
pub(crate) use task::{PublishTask, tell};

pub use item::Item;
pub use lane::Lane;

use groups::FramedBatch;

use crate::{settings::BusSettings, spool::Spool, topology::Route};

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

pub(crate) type Answer = Result<(), PublishError>;
pub(crate) type Waiter = oneshot::Sender<Answer>;

/// Something on its way to the task.
struct Submission {
    route: Route,
    what: Payload,
    answer: Waiter,
}

enum Payload {
    /// To be grouped with others.
    Item(Item),
    /// Items that a lane has grouped already, to be grouped with others.
    Batch(FramedBatch),
    /// A `FactBatch` that comes from the spool, and does not go back there.
    Group(Bytes),
}

impl Payload {
    fn len(&self) -> usize {
        match self {
            Self::Item(item) => item.len(),
            Self::Batch(batch) => batch.item_bytes,
            Self::Group(body) => body.len(),
        }
    }
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
pub(crate) struct Shared {
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

    pub(crate) fn release(&self, bytes: usize) {
        self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Publishes items and tells when the broker has them on disk. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    submissions: mpsc::Sender<Submission>,
    shared: Arc<Shared>,
    limits: Limits,
    /// As the setting: hand-overs of one lane without an answer, too. What comes meanwhile leaves together.
    in_flight: usize,
    /// Where items go that the broker does not take.
    spool: Option<Spool>,
}

impl Publisher {
    /// A handle, and the receiving end for the task.
    fn new(settings: &BusSettings, spool: Option<Spool>) -> (Self, mpsc::Receiver<Submission>) {
        let (submissions, receiver) = mpsc::channel(settings.queue_items);
        let shared = Arc::new(Shared::new(settings.queue_bytes));
        let limits = Limits::of(settings);
        (Self { submissions, shared, limits, in_flight: settings.in_flight, spool }, receiver)
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Whether the broker takes what is published now.
    pub(crate) fn is_writable(&self) -> bool {
        self.shared.condition() == Condition::Writable && !self.submissions.is_closed()
    }

    /// Whether what is published now becomes durable: with the broker, or in the spool.
    pub(crate) fn can_keep(&self) -> bool {
        self.is_writable() || self.spool.as_ref().is_some_and(Spool::takes)
    }

    /// Waits until the broker takes what is published.
    pub(crate) async fn writable(&self) {
        // The sender is `self`: it can not be gone.
        drop(self.shared.changes.subscribe().wait_for(|condition| *condition == Condition::Writable).await);
    }

    /// Waits for a channel to publish on.
    pub(crate) async fn connected(&self) {
        self.shared.connected().await;
    }

    /// Publishes one item; resolves when a quorum of the broker has it on disk, or, with a spool, this machine's disk.
    ///
    /// Fails at once, without waiting, while the broker is away, blocked or silent (and there is no spool, or it takes nothing)
    /// and when too much waits. Dropping the future takes an item back that has not left yet; one that has left may arrive.
    ///
    /// # Errors
    /// [`PublishError`]; everything but success means "not known to be there".
    pub async fn publish(&self, route: &Route, item: impl Into<Item>) -> Result<(), PublishError> {
        let item = item.into();
        self.admit(route, &item)?;
        let (sender, receiver) = oneshot::channel();
        self.submit(Submission { route: route.clone(), what: Payload::Item(item), answer: sender })?;
        answered(receiver).await
    }

    /// Publishes a group that lies in the spool.
    pub(crate) async fn publish_group(&self, route: &Route, body: Bytes) -> Result<(), PublishError> {
        self.refusal().map_or(Ok(()), Err)?;
        self.shared.hold(body.len())?;
        let (sender, receiver) = oneshot::channel();
        self.submit(Submission { route: route.clone(), what: Payload::Group(body), answer: sender })?;
        answered(receiver).await
    }

    fn submit(&self, submission: Submission) -> Result<(), PublishError> {
        let bytes = submission.what.len();
        self.submissions.try_send(submission).map_err(|refused| {
            self.shared.release(bytes);
            match refused {
                mpsc::error::TrySendError::Full(_) => PublishError::Full,
                mpsc::error::TrySendError::Closed(_) => PublishError::Disconnected,
            }
        })
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
        self.admit(&route, &item)?;
        let (sender, receiver) = oneshot::channel();
        room.send(Submission { route, what: Payload::Item(item), answer: sender });
        Ok(receiver)
    }

    /// Whether an item can be taken; its bytes are held from then on.
    fn admit(&self, route: &Route, item: &Item) -> Answer {
        if let Some(refusal) = self.refusal()
            && !self.spool.as_ref().is_some_and(Spool::takes)
        {
            return Err(refusal);
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
        self.shared.hold(item.len())
    }

    /// Why the broker takes nothing now, when it does not.
    fn refusal(&self) -> Option<PublishError> {
        self.shared.condition().refusal()
    }
}

impl Condition {
    const fn refusal(self) -> Option<PublishError> {
        match self {
            Self::Writable => None,
            Self::Blocked => Some(PublishError::Blocked),
            Self::Stalled => Some(PublishError::TimedOut),
            Self::Disconnected => Some(PublishError::Disconnected),
        }
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
        let (publisher, mut queue) = Publisher::new(&BusSettings::default(), None);
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
        let (publisher, _queue) = Publisher::new(&settings, None);
        publisher.shared.set_condition(Condition::Writable);
        let route = Route::new("ingest.events", "postback.received.v1");
        let waiting = publisher.clone();
        let mut first = Box::pin(waiting.publish(&route, Item::encoded(vec![1])));
        assert!(futures_util::poll!(&mut first).is_pending());
        assert_eq!(publisher.publish(&route, Item::encoded(vec![1])).await, Err(PublishError::Full));
        assert_eq!(publisher.shared.held_bytes.load(Ordering::Relaxed), 1, "only the first is held");
    }
}
