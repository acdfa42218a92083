//! The task that owns the publishing channel, the groups and the confirms.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use kernel::IdSource as _;
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use process::SystemIds;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior},
};

use crate::{
    failpoints,
    link::{Link, Session},
    metrics::Metrics,
    publisher::{
        Answer, Condition, PublishError, Publisher, Shared, Submission,
        groups::{Group, Groups, Limits},
    },
    settings::BusSettings,
    topology::Names,
};

/// How many submissions are taken from the queue at a time.
const TAKE: usize = 512;
/// How often overdue confirms are looked for: the precision of a caller's time-out.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A confirm that is overdue this many times over will not come: the connection is given up.
const PATIENCE_WITH_CONFIRMS: u32 = 3;

type Waiter = oneshot::Sender<Answer>;
type Confirm = BoxFuture<'static, (u64, Result<Confirmation, lapin::Error>)>;

/// A message that has been published and not confirmed.
struct Flight {
    waiters: Vec<Waiter>,
    item_bytes: usize,
    sent: Instant,
}

/// Why serving a session ended.
enum End {
    Lost,
    Finished,
}

pub(crate) struct PublishTask {
    settings: Arc<BusSettings>,
    service: &'static str,
    names: Names,
    metrics: Arc<Metrics>,
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Submission>,
    link: Link,
    groups: Groups<Waiter>,
    flights: BTreeMap<u64, Flight>,
    confirms: FuturesUnordered<Confirm>,
    next_flight: u64,
    blocked: bool,
    /// When the broker last confirmed anything, or the channel was opened.
    last_confirm: Instant,
}

impl PublishTask {
    /// A task, to be run as support until nobody can speak any more, and the handle it serves.
    pub(crate) fn new(
        settings: Arc<BusSettings>,
        service: &'static str,
        metrics: Arc<Metrics>,
        link: Link,
    ) -> (Self, Publisher) {
        let (publisher, queue) = Publisher::new(&settings);
        let limits = Limits { items: settings.group_items, bytes: settings.group_bytes };
        let task = Self {
            names: Names::new(&settings.namespace),
            service,
            metrics,
            shared: Arc::clone(&publisher.shared),
            queue,
            link,
            groups: Groups::new(limits),
            flights: BTreeMap::new(),
            confirms: FuturesUnordered::new(),
            next_flight: 0,
            blocked: false,
            last_confirm: Instant::now(),
            settings,
        };
        (task, publisher)
    }

    pub(crate) async fn run(mut self) {
        while let Some(session) = self.await_session().await {
            let end = match open(&session).await {
                Ok(channel) => self.serve(&session, &channel).await,
                Err(error) => {
                    session.condemn(&error);
                    End::Lost
                }
            };
            self.shared.set_condition(Condition::Disconnected);
            self.fail_everything(PublishError::Disconnected);
            if matches!(end, End::Finished) {
                break;
            }
        }
        self.shared.set_condition(Condition::Disconnected);
        self.queue.close();
        while let Some(late) = self.queue.recv().await {
            self.refuse(late, PublishError::Disconnected);
        }
    }

    /// Waits for a connection and refuses meanwhile what was on its way when the last one ended.
    async fn await_session(&mut self) -> Option<Arc<Session>> {
        loop {
            let submission = tokio::select! {
                biased;
                session = self.link.session() => return session,
                submission = self.queue.recv() => submission?,
            };
            self.refuse(submission, PublishError::Disconnected);
        }
    }

    async fn serve(&mut self, session: &Session, channel: &Channel) -> End {
        let mut blocked = session.blocked();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut inbox = Vec::with_capacity(TAKE);
        // One group for each free place and one that fills up meanwhile; more waits in the queue, where it is counted.
        let most_grouped =
            self.settings.group_items.saturating_mul(self.settings.in_flight.saturating_add(1));
        self.last_confirm = Instant::now();
        self.set_blocked(*blocked.borrow_and_update());
        let mut closed = false;
        loop {
            while self.flights.len() < self.settings.in_flight && !self.blocked {
                let Some(group) = self.groups.next() else { break };
                self.send(channel, group);
            }
            if closed && !self.owes_answers() {
                return End::Finished;
            }
            tokio::select! {
                biased;
                () = session.lost() => return End::Lost,
                changed = blocked.changed() => {
                    if changed.is_err() {
                        return End::Lost;
                    }
                    self.set_blocked(*blocked.borrow_and_update());
                }
                Some((flight, confirmation)) = self.confirms.next() => {
                    if let Err(error) = self.settle(flight, confirmation) {
                        session.condemn(&error);
                    }
                }
                now = look.tick() => {
                    self.metrics.waiting(self.groups.items());
                    self.expire(session, now);
                }
                taken = self.queue.recv_many(&mut inbox, TAKE), if !closed && self.groups.items() < most_grouped => {
                    closed = taken == 0;
                    self.take(&mut inbox);
                }
            }
        }
    }

    fn owes_answers(&self) -> bool {
        self.groups.items() > 0 || self.flights.values().any(|flight| !flight.waiters.is_empty())
    }

    fn take(&mut self, inbox: &mut Vec<Submission>) {
        let now = Instant::now();
        for Submission { route, item, answer } in inbox.drain(..) {
            if answer.is_closed() {
                // Its caller has given up and perhaps stored it elsewhere: one twin less.
                self.shared.release(item.len());
                continue;
            }
            self.groups.add(route, &item, answer, now);
        }
    }

    fn send(&mut self, channel: &Channel, group: Group<Waiter>) {
        failpoints::before_publish();
        let Group { route, body, item_bytes, waiters, since: _ } = group;
        let flight = self.next_flight;
        self.next_flight = flight.wrapping_add(1);
        self.metrics.group_sent(waiters.len());
        self.flights.insert(flight, Flight { waiters, item_bytes, sent: Instant::now() });
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type("application/x-protobuf".into())
            .with_type("gokart.envelope.v1.FactBatch".into())
            .with_message_id(SystemIds.uuid_v7().to_string().into())
            .with_app_id(self.service.into());
        let exchange = self.names.of(&route.exchange);
        let channel = channel.clone();
        // Publishing resolves when the frames are written, which a blocked connection never does: so it is awaited
        // here together with the confirm, and never by the loop.
        self.confirms.push(Box::pin(async move {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the publisher that everybody else is to use"
            )]
            let published = channel
                .basic_publish(
                    exchange.into(),
                    route.routing_key.as_ref().into(),
                    BasicPublishOptions::default(),
                    &body,
                    properties,
                )
                .await;
            drop(body);
            match published {
                Ok(confirm) => (flight, confirm.await),
                Err(error) => (flight, Err(error)),
            }
        }));
    }

    fn settle(
        &mut self,
        flight: u64,
        confirmation: Result<Confirmation, lapin::Error>,
    ) -> Result<(), lapin::Error> {
        if let Some(flight) = self.flights.remove(&flight) {
            let answer = verdict(&confirmation);
            if answer.is_ok() {
                failpoints::confirmed();
                self.last_confirm = Instant::now();
                if self.shared.condition() == Condition::Stalled {
                    self.shared.set_condition(Condition::Writable);
                }
            }
            self.metrics.group_settled(flight.sent.elapsed());
            self.shared.release(flight.item_bytes);
            self.answer(flight.waiters, answer);
        }
        confirmation.map(drop)
    }

    /// Tells callers that have waited too long, and gives the connection up when confirms stay away.
    fn expire(&mut self, session: &Session, now: Instant) {
        let patience = self.settings.confirm_timeout();
        while let Some(group) = self.groups.next_overdue(now, patience) {
            self.give_up(group, PublishError::TimedOut);
        }
        let mut overdue = Vec::new();
        let mut longest = Duration::ZERO;
        for flight in self.flights.values_mut() {
            let waited = now.saturating_duration_since(flight.sent);
            longest = longest.max(waited);
            if waited >= patience {
                // The confirm stays where it is and is waited for: see the module's head.
                overdue.append(&mut flight.waiters);
            }
        }
        self.answer(overdue, Err(PublishError::TimedOut));
        if self.blocked || longest < patience {
            return;
        }
        if now.saturating_duration_since(self.last_confirm) >= patience {
            // Nobody else needs to wait that long to learn the same. The overdue confirms tell when it is over.
            self.shared.set_condition(Condition::Stalled);
            self.give_up_waiting(PublishError::TimedOut);
        }
        if longest >= patience.saturating_mul(PATIENCE_WITH_CONFIRMS) {
            session.condemn(&"confirms stay away");
        }
    }

    fn set_blocked(&mut self, blocked: bool) {
        self.blocked = blocked;
        if !blocked {
            self.shared.set_condition(Condition::Writable);
            return;
        }
        self.shared.set_condition(Condition::Blocked);
        // An honest answer now. What is in flight may still arrive when the broker reads again.
        self.give_up_waiting(PublishError::Blocked);
        let mut waiters = Vec::new();
        for flight in self.flights.values_mut() {
            waiters.append(&mut flight.waiters);
        }
        self.answer(waiters, Err(PublishError::Blocked));
    }

    fn give_up_waiting(&mut self, error: PublishError) {
        while let Some(group) = self.groups.next() {
            self.give_up(group, error);
        }
    }

    fn fail_everything(&mut self, error: PublishError) {
        self.give_up_waiting(error);
        for (_, flight) in std::mem::take(&mut self.flights) {
            self.metrics.group_settled(flight.sent.elapsed());
            self.shared.release(flight.item_bytes);
            self.answer(flight.waiters, Err(error));
        }
        // The channel is gone, and with it everything lapin keeps for these.
        self.confirms = FuturesUnordered::new();
    }

    fn give_up(&self, group: Group<Waiter>, error: PublishError) {
        self.shared.release(group.item_bytes);
        self.answer(group.waiters, Err(error));
    }

    fn refuse(&self, submission: Submission, error: PublishError) {
        self.shared.release(submission.item.len());
        self.answer(vec![submission.answer], Err(error));
    }

    fn answer(&self, waiters: Vec<Waiter>, answer: Answer) {
        if waiters.is_empty() {
            return;
        }
        self.metrics.items_answered(waiters.len(), answer);
        let unheard = waiters.into_iter().filter_map(|waiter| waiter.send(answer).err()).count();
        if unheard > 0 {
            tracing::debug!(bus.items = unheard, "their callers had stopped waiting");
        }
    }
}

async fn open(session: &Session) -> Result<Channel, lapin::Error> {
    let channel = session.channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

/// Only a plain acknowledgement is success. (`Confirmation::is_ack` is also true for a message that came back.)
fn verdict(confirmation: &Result<Confirmation, lapin::Error>) -> Answer {
    match confirmation {
        Ok(Confirmation::Ack(None)) => Ok(()),
        // The broker's state and not the item's fault: a queue that lost its majority says no to everything.
        Ok(Confirmation::Ack(Some(_))) => Err(PublishError::Nacked("it returned the message")),
        Ok(Confirmation::Nack(_)) => Err(PublishError::Nacked("it refused the message")),
        Ok(Confirmation::NotRequested) => Err(PublishError::Nacked("the channel does not confirm")),
        Err(_) => Err(PublishError::Disconnected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_acknowledgement_is_success_and_no_item_is_blamed_for_the_broker() {
        assert_eq!(verdict(&Ok(Confirmation::Ack(None))), Ok(()));
        for no in [Confirmation::Nack(None), Confirmation::NotRequested] {
            assert!(matches!(verdict(&Ok(no)), Err(PublishError::Nacked(_))));
        }
        let lost = lapin::ErrorKind::MissingHeartbeatError.into();
        assert_eq!(verdict(&Err(lost)), Err(PublishError::Disconnected));
    }
}
