//! One service on a fresh database and a fresh namespace of the broker.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use system_tests::{Stack, StackOptions};
use tokio_postgres::Client;

use super::Flow;
use crate::{
    broker::Broker,
    database::{self, assert_durable},
    machine::{CpuMeter, CpuUse},
    nodes::LocalNodes,
};

/// How long one step may take before it is called stuck.
const STUCK: Duration = Duration::from_secs(300);
/// How often progress is looked at: the precision of a wall-clock time.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The service, not running yet, and ways to look at it from outside.
pub struct Rig {
    stack: Stack,
    /// Its namespace.
    pub broker: Broker,
    /// Its database, as the superuser.
    pub admin: Client,
}

/// One measured working-off.
#[derive(Debug, Clone)]
pub struct WorkedOff {
    /// From the first delivery to the last commit.
    pub wall: Duration,
    /// In that time.
    pub cpu: CpuUse,
}

impl Rig {
    /// A fresh one. What is published through its broker travels at most `group` items in a message.
    ///
    /// # Errors
    /// When a server refuses, or the service would not keep what it commits.
    pub async fn prepare<F: Flow>(options: StackOptions, group: usize) -> anyhow::Result<Self> {
        let stack = Stack::prepare(options).await;
        let broker = Broker::open(stack.namespace(), group).await?;
        let database = stack.database(F::SERVICE);
        assert_durable(&database::connect(&database.app_url()).await?).await?;
        let admin = database::connect(&database.admin_url()).await?;
        Ok(Self { stack, broker, admin })
    }

    /// # Errors
    /// When a queue is not what a fair figure needs.
    pub fn assert_quorum(&self, nodes: &LocalNodes, queue: &str) -> anyhow::Result<()> {
        crate::machine::assert_quorum(&nodes.nodes, self.stack.namespace(), queue)
    }

    /// Teaches the service what it must know, then stops it, and changes what the flow wants changed.
    ///
    /// # Errors
    /// When it does not learn, or does not stop in peace; the server's.
    pub async fn teach<F: Flow>(&mut self, flow: &F, events: u64) -> anyhow::Result<()> {
        self.stack.service(F::SERVICE).start().await;
        for known in flow.known(events) {
            self.broker.publish(known.facts).await?;
            self.until(known.query, known.count).await?;
        }
        self.stop::<F>().await?;
        if let Some(change) = flow.arranged() {
            self.admin.batch_execute(change).await?;
        }
        Ok(())
    }

    /// A setting of the service from its next start on.
    pub fn set<F: Flow>(&mut self, key: &str, value: &str) {
        self.stack.service(F::SERVICE).set(key, value);
    }

    /// Stops the service.
    ///
    /// # Errors
    /// When it does not stop in peace.
    pub async fn stop<F: Flow>(&mut self) -> anyhow::Result<()> {
        let status = self.stack.service(F::SERVICE).stop().await;
        ensure!(status.success(), "{} stopped with {status}", F::SERVICE.binary());
        Ok(())
    }

    /// Fills the queue with the first `events` of the backlog.
    ///
    /// # Errors
    /// The broker's.
    pub async fn fill<F: Flow>(&self, flow: &F, events: u64) -> anyhow::Result<()> {
        self.broker.publish((0..events).map(|number| flow.event(number))).await
    }

    /// Starts the service and waits until `events` are done.
    ///
    /// The clock starts at the last look that found the queue full, so the start of the process is not in it; it stops when
    /// the last event's effect can be read. The queue is looked at over AMQP, the database only once the queue is empty:
    /// looking costs next to nothing.
    ///
    /// # Errors
    /// When it gets stuck.
    pub async fn work_off<F: Flow>(&mut self, nodes: &LocalNodes, events: u64) -> anyhow::Result<WorkedOff> {
        self.work_off_until::<F>(nodes, F::DONE, events).await
    }

    /// As [`work_off`](Self::work_off), until `done` counts so many.
    ///
    /// # Errors
    /// When it gets stuck.
    pub async fn work_off_until<F: Flow>(
        &mut self,
        nodes: &LocalNodes,
        done: &str,
        events: u64,
    ) -> anyhow::Result<WorkedOff> {
        database::settle(&self.admin).await?;
        let full = self.broker.ready(F::QUEUE).await?;
        let meter = self.spawn::<F>(nodes);
        let start = self.until_ready(F::QUEUE, |ready| ready < full).await?;
        let before = meter.read();
        self.until_ready(F::QUEUE, |ready| ready == 0).await?;
        self.until(done, events).await?;
        Ok(WorkedOff { wall: start.elapsed(), cpu: meter.since(&before) })
    }

    /// Starts the service without waiting until it is ready, and watches what it uses.
    pub fn spawn<F: Flow>(&mut self, nodes: &LocalNodes) -> CpuMeter {
        self.stack.service(F::SERVICE).spawn("");
        let pid = self.stack.service(F::SERVICE).pid().unwrap_or_default();
        CpuMeter::of_generator()
            .with(F::SERVICE.binary(), pid)
            .with_tree("PostgreSQL", nodes.conditions.postgres_pid)
            .with("RabbitMQ", nodes.conditions.rabbitmq_pid)
    }

    /// Where the superuser finds the service's database.
    pub fn admin_url<F: Flow>(&self) -> String {
        self.stack.database(F::SERVICE).admin_url()
    }

    /// Where the service's API listens.
    ///
    /// # Errors
    /// When it has none.
    pub fn address<F: Flow>(&mut self) -> anyhow::Result<SocketAddr> {
        let url = self.stack.service(F::SERVICE).url();
        Ok(url.strip_prefix("http://").context("a plain http address")?.parse()?)
    }

    /// Waits until nothing is left in the outbox: everything the service has to say is with the broker.
    ///
    /// # Errors
    /// When it gets stuck.
    pub async fn outbox_empty(&self) -> anyhow::Result<()> {
        self.until("SELECT 1 - least(count(*), 1) FROM outbox", 1).await
    }

    /// Stops the service, deletes its database and its queues.
    ///
    /// # Errors
    /// When the service does not stop in peace.
    pub async fn close<F: Flow>(mut self) -> anyhow::Result<()> {
        if self.stack.service(F::SERVICE).pid().is_some() {
            self.stop::<F>().await?;
        }
        self.broker.close().await
    }

    /// Starts the service, and waits until it is ready.
    pub async fn start<F: Flow>(&mut self) {
        self.stack.service(F::SERVICE).start().await;
    }

    /// Waits until nothing waits in a queue.
    ///
    /// # Errors
    /// When it gets stuck.
    pub async fn until_empty(&self, queue: &str) -> anyhow::Result<()> {
        self.until_ready(queue, |ready| ready == 0).await.map(drop)
    }

    /// Waits until `query` counts `wanted`.
    ///
    /// Looks seldom enough that looking takes at most a tenth of the time: it is the measured server that answers.
    ///
    /// # Errors
    /// When it gets stuck.
    pub async fn until(&self, query: &str, wanted: u64) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let look = Instant::now();
            let count = database::count(&self.admin, query).await?;
            if count >= wanted {
                return Ok(());
            }
            ensure!(start.elapsed() < STUCK, "stuck: {query} counts {count}, waiting for {wanted}");
            tokio::time::sleep((look.elapsed() * 9).max(LOOK_EVERY)).await;
        }
    }

    /// Returns when it was last *not* so: the moment that errs against us.
    async fn until_ready(&self, queue: &str, enough: impl Fn(u64) -> bool) -> anyhow::Result<Instant> {
        let start = Instant::now();
        let mut last = start;
        loop {
            let look = Instant::now();
            let ready = self.broker.ready(queue).await?;
            if enough(ready) {
                return Ok(last);
            }
            last = look;
            ensure!(start.elapsed() < STUCK, "stuck: {ready} messages wait in {queue}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
