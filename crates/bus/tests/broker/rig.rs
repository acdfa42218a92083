//! What the tests share: a bus in a namespace of its own, handlers that do as they are told, and a stranger who looks at
//! the broker without our code.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panic, in its helpers too")]

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bus::{BatchHandler, Bus, BusSettings, HandleError, PublishError, Queue, Route, SpoolSettings, Topology};
use contracts::{Fact as _, envelope::Envelope, ingest::PostbackReceived};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    message::BasicGetMessage,
    options::{BasicGetOptions, QueueDeclareOptions},
    types::FieldTable,
};
use process::Supervisor;
use test_kit::{Depth, Namespace, Nodes};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Generous: a slow machine is not a fault.
pub const SOON: Duration = Duration::from_secs(30);
/// The queue of these tests.
pub const QUEUE: &str = "reader.facts";
/// Where its items come from.
pub const ROUTE: Route = Route::of::<PostbackReceived>();

/// One service on the bus. Stop it before the namespace goes.
pub struct Rig {
    pub bus: Bus,
    pub supervisor: Supervisor,
}

impl Rig {
    pub async fn start(namespace: &Namespace) -> Self {
        Self::with(namespace, |_settings| {}).await
    }

    pub async fn with(namespace: &Namespace, change: impl FnOnce(&mut BusSettings)) -> Self {
        let topology = Topology::new().queue(Queue::shared(QUEUE).fact::<PostbackReceived>());
        Self::of(namespace, topology, change).await
    }

    pub async fn of(
        namespace: &Namespace,
        topology: Topology,
        change: impl FnOnce(&mut BusSettings),
    ) -> Self {
        let mut settings = BusSettings::new(namespace.amqp_url(), namespace.name());
        change(&mut settings);
        let supervisor = Supervisor::new();
        // The service's name is how its connections are found at the broker.
        let service = String::from(namespace.name()).leak();
        let bus = Bus::start(&settings, service, topology, &supervisor);
        tokio::time::timeout(SOON, bus.wait_connected())
            .await
            .expect("a broker that answers; run `make nodes`");
        Self { bus, supervisor }
    }

    /// With a spool, connected or not.
    pub fn spooling(
        namespace: &Namespace,
        spool: &SpoolSettings,
        change: impl FnOnce(&mut BusSettings),
    ) -> Self {
        let topology = Topology::new().queue(Queue::shared(QUEUE).fact::<PostbackReceived>());
        let mut settings = BusSettings::new(namespace.amqp_url(), namespace.name());
        change(&mut settings);
        let supervisor = Supervisor::new();
        let service = String::from(namespace.name()).leak();
        let bus = Bus::start_with(&settings, spool, service, topology, &supervisor);
        Self { bus, supervisor }
    }

    /// Publishes numbered items, one message each.
    pub async fn say(&self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.bus.publisher().publish(&ROUTE, item(number)).await.expect("a confirm");
        }
    }

    /// Publishes numbered items together; with nothing in flight they travel in few messages.
    pub async fn say_together(&self, numbers: impl IntoIterator<Item = u64>) -> Result<(), PublishError> {
        let items = numbers.into_iter().map(|number| (ROUTE.clone(), item(number))).collect::<Vec<_>>();
        self.bus.publisher().publish_all(items).await
    }

    pub async fn stop(self) {
        self.supervisor.drain(SOON).await.expect("a stop in time");
    }
}

pub fn item(number: u64) -> Envelope {
    Envelope {
        fact_id: Uuid::from_u128(number.into()).as_bytes().to_vec(),
        tenant_id: vec![7; 16],
        recorded_at_micros: 1,
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        tracestate: String::new(),
        fact: PostbackReceived::NAME.to_owned(),
        body: vec![1, 2, 3].into(),
    }
}

pub fn number(item: &Envelope) -> u64 {
    u64::try_from(Uuid::from_slice(&item.fact_id).unwrap().as_u128()).unwrap()
}

/// What a [`Recorder`] does with an item.
#[derive(Default)]
pub struct Script {
    pub poison: BTreeSet<u64>,
    pub panics: BTreeSet<u64>,
    pub unburiable: BTreeSet<u64>,
    /// While set, everything pauses.
    pub away: AtomicBool,
    /// Permits to handle a batch; none are needed when absent.
    pub gate: Option<Semaphore>,
}

/// A handler that remembers. Clones remember together.
#[derive(Clone, Default)]
pub struct Recorder {
    pub script: Arc<Script>,
    handled: Arc<Mutex<Vec<Vec<u64>>>>,
    buried: Arc<Mutex<Vec<(u64, String)>>>,
    calls: Arc<AtomicUsize>,
}

impl Recorder {
    pub fn scripted(script: Script) -> Self {
        Self { script: Arc::new(script), ..Self::default() }
    }

    /// Numbers handled, by batch.
    pub fn batches(&self) -> Vec<Vec<u64>> {
        self.handled.lock().unwrap().clone()
    }

    /// Numbers handled, each once.
    pub fn handled(&self) -> BTreeSet<u64> {
        self.batches().into_iter().flatten().collect()
    }

    pub fn buried(&self) -> Vec<(u64, String)> {
        self.buried.lock().unwrap().clone()
    }

    /// Batches that were tried, handled or not.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub async fn has_handled(&self, numbers: impl IntoIterator<Item = u64>) {
        let wanted: BTreeSet<u64> = numbers.into_iter().collect();
        test_kit::eventually("all items are handled", SOON, async || {
            let missing = wanted.difference(&self.handled()).count();
            if missing == 0 { Ok(()) } else { Err(format!("{missing} missing")) }
        })
        .await;
    }
}

impl BatchHandler for Recorder {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.script.gate {
            gate.acquire().await.expect("an open gate").forget();
        }
        if self.script.away.load(Ordering::SeqCst) {
            return Err(HandleError::Pause("the database is away".to_owned()));
        }
        let numbers: Vec<u64> = items.iter().map(number).collect();
        assert!(
            !numbers.iter().any(|number| self.script.panics.contains(number)),
            "an item nobody thought of"
        );
        if numbers.iter().any(|number| self.script.poison.contains(number)) {
            return Err(HandleError::Poison("an item that makes no sense".to_owned()));
        }
        self.handled.lock().unwrap().push(numbers);
        Ok(())
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        let number = number(item);
        if self.script.unburiable.contains(&number) {
            return Err(HandleError::Poison("not even a grave".to_owned()));
        }
        self.buried.lock().unwrap().push((number, reason.to_owned()));
        Ok(())
    }
}

/// Someone at the broker who does not use our code.
pub struct Stranger {
    _connection: Connection,
    pub channel: Channel,
}

impl Stranger {
    pub async fn new(namespace: &Namespace) -> Self {
        let connection =
            Connection::connect(namespace.amqp_url(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        Self { _connection: connection, channel }
    }

    /// Takes one message out of a queue, if there is one; it stays unacknowledged.
    pub async fn take(&self, queue: &str) -> Option<BasicGetMessage> {
        self.channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap()
    }

    /// How many consumers a queue has.
    pub async fn consumers(&self, queue: &str, namespace: &Namespace) -> u32 {
        let look = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let found =
            self.channel.queue_declare(namespace.of(queue).as_str().into(), look, FieldTable::default());
        found.await.unwrap().consumer_count()
    }

    #[expect(clippy::disallowed_methods, reason = "a stranger publishes what our publisher would not")]
    pub async fn publish(&self, exchange: &str, key: &str, body: &[u8]) {
        let published = self.channel.basic_publish(
            exchange.into(),
            key.into(),
            lapin::options::BasicPublishOptions::default(),
            body,
            BasicProperties::default().with_delivery_mode(2),
        );
        drop(published.await.unwrap().await.unwrap());
    }
}

/// Closes every connection of a namespace's service, as an operator or a failing network would; tells how many.
///
/// On a thread of its own: `rabbitmqctl` takes seconds on a busy machine, and what the test does beside it must go on.
pub async fn close_connections(namespace: &Namespace) -> usize {
    let name = namespace.name().to_owned();
    let closing = tokio::task::spawn_blocking(move || {
        let nodes = Nodes::from_env();
        let columns = ["list_connections", "--quiet", "--no-table-headers", "pid", "client_properties"];
        let listed = nodes.rabbitmqctl(&columns);
        let mine: Vec<&str> = listed
            .lines()
            .filter(|line| line.contains(&name))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        for pid in &mine {
            nodes.rabbitmqctl(&["close_connection", pid, "a test of reconnecting"]);
        }
        mine.len()
    });
    closing.await.expect("rabbitmqctl")
}

/// Waits until a queue holds so many waiting messages.
pub async fn waits(namespace: &Namespace, queue: &str, messages: u64) {
    test_kit::eventually(&format!("{messages} messages wait in {queue}"), SOON, async || {
        let ready = namespace.ready(queue).await;
        if ready == Some(messages) { Ok(()) } else { Err(ready) }
    })
    .await;
}

/// Waits until a queue holds so much, in consumers' hands too. The broker counts those every few seconds only.
pub async fn holds(namespace: &Namespace, queue: &str, depth: Depth) {
    test_kit::eventually(&format!("{depth:?} in {queue}"), SOON, async || {
        let found = namespace.depth(queue);
        if found == Some(depth) { Ok(()) } else { Err(found) }
    })
    .await;
}
