//! One consumer: its channel, its loop, its acknowledgements.

use std::{collections::VecDeque, sync::Arc};

use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions},
    types::{AMQPValue, FieldTable},
};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, field::Empty};

use crate::{
    consumer::{
        BatchHandler,
        breaker::Breaker,
        carry::{Carrying, Doubt, Order, Round},
        holding::{GOODBYE, Holding},
        intake::{Batch, Gone, Intake},
    },
    declare::{DeclareError, broadcast},
    failpoints,
    link::{Link, Session},
    metrics::Metrics,
    settings::BusSettings,
    topology::{Kind, Names, Queue},
};

#[derive(Debug, thiserror::Error)]
enum ConsumeError {
    #[error("start a consumer")]
    Start(#[source] lapin::Error),
    #[error(transparent)]
    Declare(#[from] DeclareError),
    #[error(transparent)]
    Gone(#[from] Gone),
    #[error("settle a batch")]
    Settle(#[source] lapin::Error),
}

/// Why a channel was left.
enum End {
    Stopped,
    /// The connection is over; what was in hand comes back on the next one.
    Lost,
    /// The deliveries went back to the broker during a long pause.
    HandedBack,
}

pub(crate) struct ConsumeTask<H> {
    handler: Arc<H>,
    queue: Queue,
    /// Which of the queue's consumers in this process, from 0.
    number: usize,
    names: Names,
    settings: Arc<BusSettings>,
    metrics: Arc<Metrics>,
    link: Link,
    stop: CancellationToken,
}

impl<H: BatchHandler> ConsumeTask<H> {
    pub(crate) fn new(
        handler: Arc<H>,
        queue: Queue,
        settings: Arc<BusSettings>,
        metrics: Arc<Metrics>,
        link: Link,
        stop: CancellationToken,
    ) -> Self {
        let names = Names::new(&settings.namespace);
        Self { handler, queue, number: 0, names, settings, metrics, link, stop }
    }

    /// One that helps those of lower numbers.
    pub(crate) fn numbered(self, number: usize) -> Self {
        Self { number, ..self }
    }

    /// Consumes until the stop, over as many connections as that takes.
    pub(crate) async fn run(mut self) {
        let mut breaker = Breaker::default();
        loop {
            let session = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                session = self.link.session() => session,
            };
            let Some(session) = session else { return };
            match self.serve(&session, &mut breaker).await {
                Ok(End::Stopped) => return,
                Ok(End::Lost | End::HandedBack) => {}
                Err(error) => session.condemn(&telemetry::chain(&error)),
            }
        }
    }

    async fn serve(&self, session: &Session, breaker: &mut Breaker) -> Result<End, ConsumeError> {
        let channel = session.channel().await.map_err(ConsumeError::Start)?;
        let mut intake = self.start(&channel).await?;
        loop {
            let mut batch = tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                () = session.lost() => return Ok(End::Lost),
                batch = intake.next() => batch?,
            };
            let started = Instant::now();
            // A root of its own: the items come from many traces, and the service links each of them.
            let items = batch.items.len();
            let span = tracing::info_span!(
                parent: None, "batch", bus.queue = self.queue.name, bus.items = items, bus.joined = Empty
            );
            let mut holding = Holding::new(
                &channel,
                self.queue.name,
                &self.metrics,
                &self.stop,
                self.settings.pause_hold(),
            );
            let carried =
                self.carry(&mut batch, &mut intake, breaker, &mut holding).instrument(span.clone()).await;
            let Some((buried, unburied)) = carried else { break };
            let joined = batch.items.len().saturating_sub(items);
            if joined > 0 {
                // A field of its own: an attribute that is recorded twice is exported twice.
                span.record("bus.joined", joined);
            }
            let took = started.elapsed();
            self.metrics.batch_done(self.queue.name, batch.items.len(), buried, took);
            if holding.handed_back() {
                return Ok(End::HandedBack);
            }
            failpoints::before_ack();
            self.settle(&channel, &batch, &unburied, intake.nothing_aside())
                .await
                .map_err(ConsumeError::Settle)?;
            intake.rest(took, self.settings.batch_wait());
        }
        // What was handed over and not begun goes back to the other replicas with the channel.
        if !matches!(timeout(GOODBYE, channel.close(200, "stopping".into())).await, Ok(Ok(()))) {
            tracing::debug!(bus.queue = self.queue.name, "the channel was gone already");
        }
        Ok(End::Stopped)
    }

    /// Brings every item of a batch to its end, and those that join it; tells how many were buried and which could not be.
    /// Nothing when the service stops.
    async fn carry(
        &self,
        batch: &mut Batch,
        intake: &mut Intake<'_>,
        breaker: &mut Breaker,
        holding: &mut Holding<'_>,
    ) -> Option<(usize, Vec<usize>)> {
        let most = if batch.suspect.is_some() { 1 } else { self.settings.batch_items };
        let order = batch.suspect.unwrap_or(Order::Forwards);
        let mut carrying = Carrying::new(batch.items.len(), most, order);
        loop {
            match carrying.round(&*self.handler, &batch.items, breaker, holding).await {
                Round::Settled { buried, unburied } => return Some((buried, unburied)),
                Round::Stopped => return None,
                Round::Doubtful(reason) => match holding.doubt(&reason, intake, batch).await {
                    Doubt::Stop => return None,
                    doubt @ (Doubt::Company | Doubt::Alone) => carrying.again(batch.items.len(), doubt),
                },
            }
        }
    }

    async fn start<'a>(&'a self, channel: &'a Channel) -> Result<Intake<'a>, ConsumeError> {
        channel
            .basic_qos(self.settings.prefetch, BasicQosOptions::default())
            .await
            .map_err(ConsumeError::Start)?;
        let queue = match self.queue.kind {
            Kind::Shared | Kind::Window => self.names.of(self.queue.name),
            Kind::Broadcast => broadcast(channel, &self.queue, &self.names).await?,
        };
        let deliveries = channel
            .basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), self.arguments())
            .await
            .map_err(ConsumeError::Start)?;
        Ok(Intake {
            channel,
            deliveries,
            queue: self.queue.name,
            metrics: &self.metrics,
            batch_items: self.settings.batch_items,
            prefetch: usize::from(self.settings.prefetch),
            gathers_until: Instant::now(),
            suspects: VecDeque::new(),
            has_ended: false,
        })
    }

    /// Later consumers of a process help: the broker gives them messages only when the earlier ones of all replicas have as many as
    /// they are given ahead. So a load that one can carry comes in the fewest batches, and a larger one finds all of them.
    fn arguments(&self) -> FieldTable {
        let mut arguments = FieldTable::default();
        let priority = i32::try_from(self.number).unwrap_or(i32::MAX).saturating_neg();
        arguments.insert("x-priority".into(), AMQPValue::LongInt(priority));
        arguments
    }

    /// Acknowledges a batch; messages with an item that could be neither handled nor buried are rejected instead.
    async fn settle(
        &self,
        channel: &Channel,
        batch: &Batch,
        unburied: &[usize],
        nothing_aside: bool,
    ) -> Result<(), lapin::Error> {
        let mut done = Vec::with_capacity(batch.messages.len());
        let mut begin = 0_usize;
        for (tag, items) in &batch.messages {
            let end = begin.saturating_add(*items);
            if unburied.iter().any(|at| (begin..end).contains(at)) {
                self.metrics.rejected(self.queue.name);
                channel.basic_reject(*tag, BasicRejectOptions { requeue: false }).await?;
            } else {
                done.push(*tag);
            }
            begin = end;
        }
        if nothing_aside && batch.suspect.is_none() {
            // Tags grow in the order of delivery, and everything before is settled: one word for all.
            let Some(last) = done.last() else { return Ok(()) };
            return channel.basic_ack(*last, BasicAckOptions { multiple: true }).await;
        }
        for tag in done {
            channel.basic_ack(tag, BasicAckOptions { multiple: false }).await?;
        }
        Ok(())
    }
}
