//! A service's public door, as its callers see it: what they send, what it promises them, and where the promise is kept.

mod ingest;
mod tracker;
mod turns;

use std::{collections::HashSet, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use contracts::envelope::Envelope;
use system_tests::{ServiceName, Stack, StackOptions};
use test_kit::Namespace;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    beside::ServerShape,
    broker::{Broker, Drained, GROUP},
    load::{CONNECTIONS, Crowd, Load, Promised, Template, Until, single},
    machine::assert_quorum,
    nodes::LocalNodes,
    report::Account,
};

pub use ingest::ingest;
pub use tracker::tracker;
pub use turns::Turns;

/// A service alone, running, and the one kind of request it is sent.
pub struct Door {
    /// Its process.
    pub pid: u32,
    broker: Arc<Broker>,
    stack: Stack,
    address: SocketAddr,
    service: ServiceName,
    request: Template,
    promise: Promise,
    /// Numbers given to requests so far.
    sent: u64,
}

/// What a door promises with its answer, and where it keeps it.
#[derive(Clone, Copy)]
struct Promise {
    /// What the ids are, in the plural.
    ids: &'static str,
    /// Reads the id in an answer.
    answered: Promised,
    /// The queue in which it is on disk by then.
    queue: &'static str,
    /// Reads it there.
    kept: fn(&Envelope) -> Option<Uuid>,
}

impl Door {
    /// Starts `service`, with a server of the shape that the handler that does nothing has.
    async fn open(
        nodes: &LocalNodes,
        service: ServiceName,
        settings: &[(&str, &str)],
        request: Template,
        promise: Promise,
    ) -> anyhow::Result<Self> {
        let shape = ServerShape::OF_THE_SERVICES.settings();
        let shape = shape.iter().map(|(key, value)| (*key, value.as_str()));
        let options = shape
            .chain(settings.iter().copied())
            .fold(StackOptions::new(), |options, (key, value)| options.set(service, key, value));
        let mut stack = Stack::prepare(options).await;
        // Declares the queue before the service says anything.
        let broker = Broker::open(stack.namespace(), GROUP).await?;
        stack.service(service).start().await;
        assert_quorum(&nodes.nodes, stack.namespace(), promise.queue)?;
        let endpoints = stack.endpoints();
        let url = match service {
            ServiceName::Ingest => &endpoints.ingest,
            ServiceName::Tracker => &endpoints.tracker,
            _ => anyhow::bail!("{} has no public door", service.binary()),
        };
        let address = url.strip_prefix("http://").context("a plain http address")?.parse()?;
        let pid = stack.service(service).pid().context("it runs")?;
        Ok(Self { broker: Arc::new(broker), pid, stack, address, service, request, promise, sent: 0 })
    }

    /// Its part of the broker.
    pub const fn namespace(&self) -> &Namespace {
        self.stack.namespace()
    }

    /// The service's name.
    pub const fn name(&self) -> &'static str {
        self.service.binary()
    }

    /// As many connections as a busy door has.
    ///
    /// # Errors
    /// The system's.
    pub async fn crowd(&self) -> anyhow::Result<Crowd> {
        Ok(Crowd::connect(self.address, CONNECTIONS).await?)
    }

    /// A load over all connections.
    ///
    /// # Errors
    /// When a connection fails, or a call was refused.
    pub async fn load(&mut self, crowd: &mut Crowd, until: Until) -> anyhow::Result<Load> {
        let load = crowd.send(&self.request, self.sent, until, self.promise.answered).await?;
        self.count(&load)?;
        Ok(load)
    }

    /// The same load to the handler that does nothing.
    ///
    /// # Errors
    /// When a connection fails, or an answer is not like the door's.
    pub async fn load_instead(&self, handler: SocketAddr, until: Until) -> anyhow::Result<Load> {
        let mut crowd = Crowd::connect(handler, CONNECTIONS).await?;
        let load = crowd.send(&self.request, self.sent, until, self.promise.answered).await?;
        ensure!(load.refused == 0, "the handler that does nothing does not answer as {} does", self.name());
        Ok(load)
    }

    /// One call after the other, over one connection.
    ///
    /// # Errors
    /// When the connection fails, or a call was refused.
    pub async fn single(&mut self, time: Duration) -> anyhow::Result<(Load, Vec<Duration>)> {
        let request = self.request.clone();
        let (load, times) = single(self.address, request, self.sent, time, self.promise.answered).await?;
        self.count(&load)?;
        Ok((load, times))
    }

    fn count(&mut self, load: &Load) -> anyhow::Result<()> {
        self.sent += load.calls();
        ensure!(load.refused == 0, "{} calls to {} promised nothing", load.refused, self.name());
        Ok(())
    }

    /// Empties the queue: everything that was promised must be in it.
    ///
    /// # Errors
    /// The broker's.
    pub async fn account(
        &self,
        what: impl Into<String>,
        promised: Vec<Uuid>,
    ) -> anyhow::Result<(Account, Drained)> {
        let (_known, items) = watch::channel(promised.len() as u64);
        let (kept, drained) = self.keeper().empty(items).await?;
        Ok((self.settle(what, promised, &kept), drained))
    }

    /// Where the promises are kept: may be emptied while the door is under load.
    pub fn keeper(&self) -> Keeper {
        Keeper { broker: Arc::clone(&self.broker), promise: self.promise }
    }

    /// Empties the queue of what somebody else has put there.
    ///
    /// # Errors
    /// The broker's.
    pub async fn empty(&self, items: u64) -> anyhow::Result<Drained> {
        self.broker.drain(self.promise.queue, items, drop).await
    }

    /// Compares what was promised with what was kept.
    pub fn settle(&self, what: impl Into<String>, promised: Vec<Uuid>, kept: &HashSet<Uuid>) -> Account {
        let answered = promised.len() as u64;
        let promised: HashSet<Uuid> = promised.into_iter().collect();
        let unasked = kept.difference(&promised).count();
        Account::of(what, answered)
            .found(self.promise.ids, promised.len() as u64)
            .found("of them in the queue", promised.intersection(kept).count() as u64)
            .remark((unasked > 0).then(|| format!("{unasked} more that nobody was promised")))
    }

    /// Stops the service and deletes its queues.
    ///
    /// # Errors
    /// When it does not stop in peace.
    pub async fn close(mut self) -> anyhow::Result<()> {
        let status = self.stack.service(self.service).stop().await;
        ensure!(status.success(), "{} stopped with {status}", self.name());
        let broker = Arc::into_inner(self.broker).context("somebody still empties the queue")?;
        broker.close().await
    }
}

/// The queue behind a door.
#[derive(Clone)]
pub struct Keeper {
    broker: Arc<Broker>,
    promise: Promise,
}

impl Keeper {
    /// Empties the queue, also beside a load: see [`Broker::drain_beside`]. Returns the ids that were in it.
    ///
    /// # Errors
    /// The broker's.
    pub async fn empty(&self, items: watch::Receiver<u64>) -> anyhow::Result<(HashSet<Uuid>, Drained)> {
        let mut kept = HashSet::new();
        let see = |fact: Envelope| kept.extend((self.promise.kept)(&fact));
        let drained = self.broker.drain_beside(self.promise.queue, items, see).await?;
        Ok((kept, drained))
    }
}
