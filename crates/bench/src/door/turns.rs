//! Turns at a door: the service's own and those of the handler that does nothing, with all that is asked of both.

use std::time::Duration;

use super::Door;
use crate::{
    beside::{DoNothing, Fills, ServerShape},
    broker::Drained,
    load::Until,
    machine::{CpuMeter, allocator_of},
    measure::Context,
    report::{Account, Contestant, Sample},
};

/// Before the first turn, and not counted: connections, caches, the queue's first segments.
const WARM_UP: Duration = Duration::from_millis(500);

/// A door and the handler beside it.
pub struct Turns<'a> {
    /// The door.
    pub door: Door,
    /// Of every turn so far.
    pub accounts: Vec<Account>,
    /// What the service's messages held.
    pub drained: Drained,
    context: Context<'a>,
    meter: CpuMeter,
    nothing: DoNothing,
    nothing_meter: CpuMeter,
    durable: DoNothing,
    durable_meter: CpuMeter,
}

impl<'a> Turns<'a> {
    /// Starts the handler, which redirects to `redirect_to` or answers with a receipt, once doing nothing and once making
    /// requests durable in the queue of `fills`; and warms all up.
    ///
    /// # Errors
    /// When a call is refused or an event is missing.
    pub async fn prepare(
        context: Context<'a>,
        door: Door,
        redirect_to: Option<&str>,
        fills: Fills,
    ) -> anyhow::Result<Self> {
        let shape = ServerShape::OF_THE_SERVICES;
        let nothing = DoNothing::start(shape, redirect_to).await?;
        let durable = DoNothing::start_durable(shape, redirect_to, (door.namespace(), fills)).await?;
        let rabbitmq = context.nodes.conditions.rabbitmq_pid;
        let meter = CpuMeter::of_generator().with(door.name(), door.pid).with("RabbitMQ", rabbitmq);
        let mut turns = Self {
            meter,
            nothing_meter: CpuMeter::of_generator().with("handler", nothing.pid()),
            durable_meter: CpuMeter::of_generator().with("handler", durable.pid()).with("RabbitMQ", rabbitmq),
            context,
            door,
            nothing,
            durable,
            accounts: Vec::new(),
            drained: Drained::default(),
        };
        turns.own("warm-up", WARM_UP).await?;
        turns.nothing(WARM_UP).await?;
        turns.durable("warm-up", WARM_UP).await?;
        Ok(turns)
    }

    /// The service's turn; its queue is emptied and accounted for afterwards.
    ///
    /// # Errors
    /// When a call is refused.
    pub async fn own(&mut self, what: &str, time: Duration) -> anyhow::Result<Sample> {
        let mut crowd = self.door.crowd().await?;
        let before = self.meter.read();
        let load = self.door.load(&mut crowd, Until::Elapsed(time)).await?;
        let cpu = self.meter.since(&before);
        let sample = Sample { events: load.calls(), wall: load.wall, cpu };
        let what = format!("{}, {what}", self.door.name());
        let (account, drained) = self.door.account(what, load.promised).await?;
        self.accounts.push(account);
        self.drained.messages += drained.messages;
        self.drained.items += drained.items;
        Ok(sample)
    }

    /// The turn of the handler that does nothing.
    ///
    /// # Errors
    /// When a connection fails.
    pub async fn nothing(&self, time: Duration) -> anyhow::Result<Sample> {
        let before = self.nothing_meter.read();
        let load = self.door.load_instead(self.nothing.address, Until::Elapsed(time)).await?;
        let cpu = self.nothing_meter.since(&before);
        Ok(Sample { events: load.calls(), wall: load.wall, cpu })
    }

    /// The turn of the handler that makes requests durable and does nothing else; its queue is emptied and accounted for.
    ///
    /// # Errors
    /// When a request was not made durable.
    pub async fn durable(&mut self, what: &str, time: Duration) -> anyhow::Result<Sample> {
        let before = self.durable_meter.read();
        let load = self.door.load_instead(self.durable.address, Until::Elapsed(time)).await?;
        let cpu = self.durable_meter.since(&before);
        let calls = load.calls();
        let found = self.door.empty(calls).await?.items;
        let account = Account::of(format!("durable do-nothing handler, {what}"), calls);
        self.accounts.push(account.found("facts in the queue", found));
        Ok(Sample { events: calls, wall: load.wall, cpu })
    }

    /// Gives a sample to its contestant, and says so.
    pub fn take(&self, contestant: &mut Contestant, sample: Sample, round: usize, rounds: usize) {
        let service = self.door.name();
        self.context.progress.say(&format!("{service} round {round}/{rounds}: {} {sample}", contestant.name));
        contestant.samples.push(sample);
    }

    /// Stops the service; returns the accounts of all turns.
    ///
    /// # Errors
    /// When it does not stop in peace.
    pub async fn close(self) -> anyhow::Result<Vec<Account>> {
        self.door.close().await?;
        Ok(self.accounts)
    }

    /// What the readers of the figures must know.
    ///
    /// # Errors
    /// When a program can not be read.
    pub fn notes(&self) -> anyhow::Result<Vec<String>> {
        let mut notes = vec![format!(
            "{} put {:.1} events into a message",
            self.door.name(),
            self.drained.items as f64 / self.drained.messages.max(1) as f64
        )];
        let (ours, theirs) = (allocator_of(self.door.pid)?, allocator_of(self.nothing.pid())?);
        if ours != theirs {
            notes.push(format!(
                "NOT FAIR: {} allocates with {ours}, the handler with {theirs}; see main.rs of bench",
                self.door.name()
            ));
        }
        Ok(notes)
    }
}
