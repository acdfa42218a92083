//! The bus of one service: two connections, one publisher, any number of consumers.

use std::{sync::Arc, time::Duration};

use process::{Condition, Supervisor};

use crate::{
    consumer::{BatchHandler, ConsumeTask},
    link::{Keeper, Link, Role},
    metrics::Metrics,
    publisher::{Limits, PublishTask, Publisher},
    settings::BusSettings,
    spool::{Drain, Spool, SpoolSettings, Writer},
    topology::Topology,
};

/// How often a readiness condition is brought up to date.
const REPORT_EVERY: Duration = Duration::from_millis(200);

/// A queue that the topology does not name can not be consumed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("queue {0:?} is not in the topology")]
pub struct UnknownQueue(pub &'static str);

/// A service's access to RabbitMQ. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    settings: Arc<BusSettings>,
    topology: Arc<Topology>,
    supervisor: Supervisor,
    metrics: Arc<Metrics>,
    publisher: Publisher,
    publishing: Link,
    consuming: Link,
}

impl Bus {
    /// Starts connecting, in the background and for ever, and returns at once.
    ///
    /// Connections and the publisher are support: they live until all of the supervisor's work has ended, so work may
    /// publish to its last breath. Consumers are work: at a soft stop they finish the batch in hand.
    #[must_use]
    pub fn start(
        settings: &BusSettings,
        service: &'static str,
        topology: Topology,
        supervisor: &Supervisor,
    ) -> Self {
        Self::start_with(settings, &SpoolSettings::default(), service, topology, supervisor)
    }

    /// Like [`start`](Self::start), with a spool for what the broker does not take, when the settings name a folder for it.
    #[must_use]
    pub fn start_with(
        settings: &BusSettings,
        spool: &SpoolSettings,
        service: &'static str,
        topology: Topology,
        supervisor: &Supervisor,
    ) -> Self {
        let settings = Arc::new(settings.clone());
        let topology = Arc::new(topology);
        let metrics = Arc::new(Metrics::new(&telemetry::meter()));

        let link = |role, name| {
            let (keeper, link) = Keeper::new(
                role,
                service,
                Arc::clone(&settings),
                Arc::clone(&topology),
                Arc::clone(&metrics),
            );
            supervisor.spawn_support(name, keeper.run());
            link
        };
        let publishing = link(Role::Publish, "bus publish connection");
        let consuming = link(Role::Consume, "bus consume connection");

        let (spool, spool_jobs) = spool.is_on().then(|| Spool::new(spool)).unzip();
        let (task, publisher) = PublishTask::new(
            Arc::clone(&settings),
            service,
            Arc::clone(&metrics),
            publishing.clone(),
            spool.clone(),
        );
        supervisor.spawn_support("bus publisher", task.run());
        if let (Some(spool), Some(jobs)) = (spool, spool_jobs) {
            let writer = Writer::new(&spool, jobs, publisher.shared(), Arc::clone(&metrics));
            supervisor.spawn_support("spool writer", writer.run());
            let limits = Limits::of(&settings);
            let drain = Drain::new(&spool, publisher.clone(), Arc::clone(&metrics), limits);
            supervisor.spawn_support("spool drain", drain.run());
        }

        Self { settings, topology, supervisor: supervisor.clone(), metrics, publisher, publishing, consuming }
    }

    /// The publisher; all clones share one channel.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Feeds a queue of the topology to a handler, with as many consumers as the settings say, until the service stops.
    ///
    /// # Errors
    /// [`UnknownQueue`] when the topology given to [`Bus::start`] does not name the queue: a mistake in the wiring.
    pub fn consume<H: BatchHandler>(&self, queue: &'static str, handler: H) -> Result<(), UnknownQueue> {
        let queue = self.topology.find(queue).ok_or(UnknownQueue(queue))?;
        let handler = Arc::new(handler);
        for number in 0..self.settings.consumers {
            let task = ConsumeTask::new(
                Arc::clone(&handler),
                queue.clone(),
                Arc::clone(&self.settings),
                Arc::clone(&self.metrics),
                self.consuming.clone(),
                self.supervisor.soft(),
            );
            // A service that has silently stopped reading is worse than one that restarts.
            self.supervisor.spawn_critical("bus consumer", task.numbered(number).run());
        }
        Ok(())
    }

    /// Whether the broker takes what is published now: connected and not blocked.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.publisher.is_writable()
    }

    /// Whether both connections stand. A blocked service is still connected: it consumes.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.publishing.is_up() && self.consuming.is_up()
    }

    /// Waits until the bus can publish and consume, however long that takes.
    pub async fn wait_connected(&self) {
        // A link ends only with the process.
        drop(self.consuming.clone().session().await);
        self.publisher.connected().await;
    }

    /// Keeps a readiness condition true while both connections stand, or the spool takes what is said.
    ///
    /// Being blocked does not count: an alarm of the broker would take all replicas out of service at once, and what
    /// they can still do (answer honestly, spool, consume) with them.
    pub fn report_to(&self, condition: Condition) {
        let bus = self.clone();
        self.supervisor.spawn_support("bus readiness", async move {
            loop {
                condition.set(bus.is_connected() || bus.publisher.can_keep());
                tokio::time::sleep(REPORT_EVERY).await;
            }
        });
    }
}
