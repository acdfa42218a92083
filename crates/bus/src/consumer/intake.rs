//! Gathers what is there into a batch, and sets aside what may have ended a process before.

use std::{collections::VecDeque, future, time::Duration};

use bytes::Bytes;
use contracts::envelope::Envelope;
use futures_util::{FutureExt as _, StreamExt as _};
use lapin::{Channel, Consumer, message::Delivery, options::BasicRejectOptions};
use tokio::time::{Instant, timeout_at};

use crate::{
    consumer::{
        carry::Order,
        parcel::{self, Parcel, fingerprint},
    },
    metrics::Metrics,
};

/// A message that has come back this often may be what killed its process: once is a deploy, twice bad luck.
///
/// Such messages are opened alone, their items one by one, after everything else that is there, and on every other
/// return from the other end: so all neighbours are committed before the deadly item kills again, and only its message
/// reaches the delivery limit.
const SUSPECT_AFTER: i64 = 3;
/// A batch of so many items waits for no more: what it costs by itself, a transaction of a score of statements, is then little beside
/// what its items cost.
const ENOUGH: usize = 64;
/// With a suspect aside, the rest of what the broker has handed over is waited for a little.
const SUSPECT_WAIT: Duration = Duration::from_millis(200);

/// Why there will be no more deliveries on this channel.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Gone {
    #[error("the broker has cancelled the consumer: the queue is gone")]
    Cancelled,
    #[error("the channel of a consumer failed")]
    Channel(#[from] lapin::Error),
}

/// Messages that are settled together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) items: Vec<Envelope>,
    /// Delivery tag and number of items of each message, in the order of `items`.
    pub(crate) messages: Vec<(u64, usize)>,
    /// Set when this is one suspect message.
    pub(crate) suspect: Option<Order>,
}

impl Batch {
    fn add(&mut self, parcel: Parcel) {
        self.messages.push((parcel.tag, parcel.items.len()));
        self.items.extend(parcel.items);
    }

    fn of_suspect(parcel: Parcel) -> Self {
        let order = if parcel.returns % 2 == 0 { Order::Forwards } else { Order::Backwards };
        let mut batch = Self { suspect: Some(order), ..Self::default() };
        batch.add(parcel);
        batch
    }
}

/// The gathering end of one consumer.
pub(crate) struct Intake<'a> {
    pub(crate) channel: &'a Channel,
    pub(crate) deliveries: Consumer,
    pub(crate) queue: &'static str,
    pub(crate) metrics: &'a Metrics,
    pub(crate) batch_items: usize,
    /// Messages that the broker hands over before it has an acknowledgement.
    pub(crate) prefetch: usize,
    /// Until when the next batch gathers, unless it has enough before. In the past when nothing was done lately.
    pub(crate) gathers_until: Instant,
    pub(crate) suspects: VecDeque<Parcel>,
    /// Nothing more will come.
    pub(crate) has_ended: bool,
}

impl Intake<'_> {
    /// The next batch. Waits for a first message; an idle consumer then hands it on at once, a busy one gathers for a moment.
    /// Dropping the future leaves what was gathered unacknowledged.
    pub(crate) async fn next(&mut self) -> Result<Batch, Gone> {
        loop {
            // Its stream tells that once.
            if self.has_ended {
                return Err(Gone::Cancelled);
            }
            let mut batch = Batch::default();
            if self.suspects.is_empty() {
                let first = self.deliveries.next().await;
                self.sort(first, &mut batch).await?;
            }
            self.gather(&mut batch).await?;
            if !batch.messages.is_empty() {
                return Ok(batch);
            }
            if let Some(suspect) = self.next_suspect() {
                return Ok(Batch::of_suspect(suspect));
            }
        }
    }

    /// A batch is done that took so long. The next one gathers as long, and not longer than `most`: so under load a consumer works
    /// half of its time, on batches that hold more, and where cores are short others have them meanwhile.
    pub(crate) fn rest(&mut self, took: Duration, most: Duration) {
        let now = Instant::now();
        self.gathers_until = now.checked_add(took.min(most)).unwrap_or(now);
    }

    /// Whether everything delivered before the present batch is settled, so that one acknowledgement may cover it all.
    pub(crate) fn nothing_aside(&self) -> bool {
        self.suspects.is_empty()
    }

    /// Company for a batch that is in hand already. Does not come when there is no room for it, when the consumer has ended, and to a
    /// suspect, which is opened alone. Dropping the future loses nothing.
    pub(crate) async fn company(&mut self, batch: &Batch) -> Option<Result<Delivery, lapin::Error>> {
        let in_hand = batch.messages.len().saturating_add(self.suspects.len());
        let has_room = batch.items.len() < self.batch_items && in_hand < self.prefetch;
        if self.has_ended || !has_room || batch.suspect.is_some() {
            return future::pending().await;
        }
        self.deliveries.next().await
    }

    /// Adds to the batch what came and what is there beside it. When the consumer has ended, [`Self::next`] says so.
    pub(crate) async fn join(&mut self, company: Option<Result<Delivery, lapin::Error>>, batch: &mut Batch) {
        let added = async {
            self.sort(company, batch).await?;
            self.gather(batch).await
        };
        self.has_ended = added.await.is_err();
    }

    async fn gather(&mut self, batch: &mut Batch) -> Result<(), Gone> {
        let mut until = None;
        while batch.items.len() < self.batch_items {
            if let Some(there) = self.deliveries.next().now_or_never() {
                self.sort(there, batch).await?;
                continue;
            }
            let has_enough = self.suspects.is_empty() && batch.items.len() >= ENOUGH;
            let in_hand = batch.messages.len().saturating_add(self.suspects.len());
            // With all in hand that the broker hands over nothing more can come.
            if has_enough || in_hand >= self.prefetch {
                break;
            }
            let until = if self.suspects.is_empty() {
                self.gathers_until
            } else {
                *until.get_or_insert_with(|| Instant::now() + SUSPECT_WAIT)
            };
            match timeout_at(until, self.deliveries.next()).await {
                Ok(more) => self.sort(more, batch).await?,
                Err(_elapsed) => break,
            }
        }
        Ok(())
    }

    async fn sort(
        &mut self,
        delivered: Option<Result<Delivery, lapin::Error>>,
        batch: &mut Batch,
    ) -> Result<(), Gone> {
        let delivery = delivered.ok_or(Gone::Cancelled)??;
        let tag = delivery.delivery_tag;
        let body = Bytes::from(delivery.data);
        match parcel::open(tag, &delivery.properties, body.clone()) {
            Ok(parcel) if parcel.returns >= SUSPECT_AFTER => self.suspects.push_back(parcel),
            Ok(parcel) => batch.add(parcel),
            Err(why) => {
                tracing::error!(
                    bus.queue = self.queue,
                    bus.body_bytes = body.len(),
                    bus.body_sha256 = fingerprint(&body),
                    bus.why = %why,
                    "a message is rejected into the dead-letter queue"
                );
                self.reject(tag).await?;
            }
        }
        Ok(())
    }

    async fn reject(&self, tag: u64) -> Result<(), lapin::Error> {
        self.metrics.rejected(self.queue);
        self.channel.basic_reject(tag, BasicRejectOptions { requeue: false }).await
    }

    fn next_suspect(&mut self) -> Option<Parcel> {
        // All of one burst have the same count, so they are all taken from the same end.
        let from_the_back = self.suspects.front()?.returns % 2 != 0;
        if from_the_back { self.suspects.pop_back() } else { self.suspects.pop_front() }
    }
}
