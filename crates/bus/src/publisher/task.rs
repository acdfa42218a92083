//! The task that owns the publishing channel, the groups and the confirms.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use kernel::IdSource as _;
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use process::SystemIds;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};

use crate::{
    failpoints,
    link::{Link, Session},
    metrics::Metrics,
    publisher::{
        Answer, Condition, Payload, PublishError, Publisher, Shared, Submission, Waiter,
        groups::{Group, Groups, Limits, Next},
    },
    settings::BusSettings,
    spool::{Job, Spool},
    topology::Names,
};

/// How many submissions are taken from the queue at a time.
const TAKE: usize = 512;
/// How often overdue confirms are looked for: the precision of a caller's time-out.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A confirm that is overdue this many times over will not come: the connection is given up.
const PATIENCE_WITH_CONFIRMS: u32 = 3;

type Confirm = BoxFuture<'static, (u64, Result<Confirmation, lapin::Error>)>;

/// A message that has been published and not confirmed.
struct Flight {
    /// As long as somebody waits for it.
    group: Option<Group<Waiter>>,
    /// What it says: for the spool, should the confirm stay away.
    body: Bytes,
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
    spool: Option<Spool>,
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
        spool: Option<Spool>,
    ) -> (Self, Publisher) {
        let (publisher, queue) = Publisher::new(&settings, spool.clone());
        let limits = Limits::of(&settings);
        let task = Self {
            names: Names::new(&settings.namespace),
            service,
            metrics,
            shared: Arc::clone(&publisher.shared),
            queue,
            spool,
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
        let mut late = Vec::new();
        while self.queue.recv_many(&mut late, TAKE).await > 0 {
            self.take(&mut late);
            self.give_up_waiting(PublishError::Disconnected);
        }
    }

    /// Waits for a connection. What is handed in meanwhile goes into the spool, or is refused.
    async fn await_session(&mut self) -> Option<Arc<Session>> {
        let mut inbox = Vec::with_capacity(TAKE);
        loop {
            let taken = tokio::select! {
                biased;
                session = self.link.session() => return session,
                taken = self.queue.recv_many(&mut inbox, TAKE) => taken,
            };
            if taken == 0 {
                return None;
            }
            self.take(&mut inbox);
            self.give_up_waiting(PublishError::Disconnected);
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
            // A group that waits for company, when nothing else could leave.
            let mut leaves_at = None;
            while self.flights.len() < self.settings.in_flight && !self.blocked {
                match self.groups.next(Instant::now()) {
                    Next::Leaves(group) => self.send(channel, group),
                    Next::At(moment) => {
                        leaves_at = Some(moment);
                        break;
                    }
                    Next::Nothing => break,
                }
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
                () = until(leaves_at) => {}
                now = look.tick() => {
                    self.metrics.waiting(self.groups.items());
                    self.expire(session, now);
                }
                taken = self.queue.recv_many(&mut inbox, TAKE), if !closed && self.groups.items() < most_grouped => {
                    closed = taken == 0;
                    self.take(&mut inbox);
                    if let Some(refusal) = self.shared.condition().refusal() {
                        self.give_up_waiting(refusal);
                    }
                }
            }
        }
    }

    fn owes_answers(&self) -> bool {
        self.groups.items() > 0 || self.flights.values().any(|flight| flight.group.is_some())
    }

    fn take(&mut self, inbox: &mut Vec<Submission>) {
        let now = Instant::now();
        for Submission { route, what, answer } in inbox.drain(..) {
            if answer.is_closed() {
                // Its caller has given up: one twin less.
                self.shared.release(what.len());
                continue;
            }
            match what {
                Payload::Item(item) => self.groups.add(route, &item, answer, now),
                Payload::Batch(batch) => self.groups.add_batch(route, batch, answer, now),
                Payload::Group(body) => self.groups.add_whole(route, &body, answer, now),
            }
        }
    }

    fn send(&mut self, channel: &Channel, mut group: Group<Waiter>) {
        failpoints::before_publish();
        let body = Bytes::from(std::mem::take(&mut group.body));
        let route = group.route.clone();
        let flight = self.next_flight;
        self.next_flight = flight.wrapping_add(1);
        self.metrics.group_sent(group.items);
        self.flights.insert(flight, Flight { group: Some(group), body: body.clone(), sent: Instant::now() });
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
            if let Some(group) = flight.group {
                match answer {
                    Ok(()) => {
                        self.shared.release(group.item_bytes);
                        self.answer(group.items, group.waiters, answer);
                    }
                    Err(error) => self.give_up(group, flight.body, error),
                }
            }
        }
        confirmation.map(drop)
    }

    /// Tells callers that have waited too long, and gives the connection up when confirms stay away.
    fn expire(&mut self, session: &Session, now: Instant) {
        let patience = self.settings.confirm_timeout();
        while let Some(mut group) = self.groups.next_overdue(now, patience) {
            let body = Bytes::from(std::mem::take(&mut group.body));
            self.give_up(group, body, PublishError::TimedOut);
        }
        let longest = self.give_up_flights(PublishError::TimedOut, |flight| {
            now.saturating_duration_since(flight.sent) >= patience
        });
        let longest = longest.map_or(Duration::ZERO, |sent| now.saturating_duration_since(sent));
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
        self.give_up_flights(PublishError::Blocked, |_flight| true);
    }

    /// Waits no more for the confirms of these flights on behalf of their callers; returns when the oldest flight left.
    fn give_up_flights(&mut self, error: PublishError, which: impl Fn(&Flight) -> bool) -> Option<Instant> {
        let mut given_up = Vec::new();
        for flight in self.flights.values_mut() {
            if which(flight) {
                // The confirm stays where it is and is waited for: see the module's head.
                let body = std::mem::take(&mut flight.body);
                given_up.extend(flight.group.take().map(|group| (group, body)));
            }
        }
        for (group, body) in given_up {
            self.give_up(group, body, error);
        }
        self.flights.values().map(|flight| flight.sent).min()
    }

    fn give_up_waiting(&mut self, error: PublishError) {
        while let Some(mut group) = self.groups.oldest() {
            let body = Bytes::from(std::mem::take(&mut group.body));
            self.give_up(group, body, error);
        }
    }

    fn fail_everything(&mut self, error: PublishError) {
        self.give_up_waiting(error);
        for (_, flight) in std::mem::take(&mut self.flights) {
            self.metrics.group_settled(flight.sent.elapsed());
            if let Some(group) = flight.group {
                self.give_up(group, flight.body, error);
            }
        }
        // The channel is gone, and with it everything lapin keeps for these.
        self.confirms = FuturesUnordered::new();
    }

    /// The broker does not take it: into the spool, or back to its callers.
    fn give_up(&self, group: Group<Waiter>, body: Bytes, error: PublishError) {
        let Group { route, items, waiters, item_bytes, is_whole, .. } = group;
        let refused = match &self.spool {
            Some(spool) if !is_whole => {
                spool.hand_over(Job { route, body, items, item_bytes, waiters, instead_of: error })
            }
            _ => {
                self.shared.release(item_bytes);
                return self.answer(items, waiters, Err(error));
            }
        };
        if let Err(refused) = refused {
            let (job, reason) = *refused;
            self.metrics.spool_refused(job.items, reason.reason());
            self.shared.release(job.item_bytes);
            self.answer(job.items, job.waiters, Err(error));
        }
    }

    fn answer(&self, items: usize, waiters: Vec<Waiter>, answer: Answer) {
        self.metrics.items_answered(items, answer);
        tell(waiters, answer);
    }
}

/// Never, without a moment.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Answers everybody who still waits.
pub(crate) fn tell(waiters: Vec<Waiter>, answer: Answer) {
    let unheard = waiters.into_iter().filter_map(|waiter| waiter.send(answer).err()).count();
    if unheard > 0 {
        tracing::debug!(bus.callers = unheard, "some callers had stopped waiting");
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
