//! A part of the broker for each test: a prefix of every name it declares.

use std::{fmt, ops::Deref, thread};

use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::{FieldTable, ShortString},
};

use crate::{nodes::Nodes, random};

/// A prefix that nobody else has. Its queues and exchanges are deleted when it is dropped, so make it before, and drop
/// it after, whatever is connected to the broker.
#[derive(Debug)]
pub struct Namespace {
    nodes: Nodes,
    name: String,
}

/// Messages of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Waiting for a consumer.
    pub ready: u64,
    /// With a consumer that has not acknowledged them yet.
    pub unacknowledged: u64,
}

impl Depth {
    /// All of them.
    pub fn total(self) -> u64 {
        self.ready + self.unacknowledged
    }
}

/// A fresh namespace.
///
/// # Panics
/// When there are no nodes.
pub fn namespace() -> Namespace {
    Namespace { nodes: Nodes::from_env(), name: format!("test-{}", random::suffix()) }
}

impl Namespace {
    /// The prefix, without the dot after it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The broker.
    pub fn amqp_url(&self) -> &str {
        self.nodes.amqp_url()
    }

    /// The full name of a queue or exchange.
    pub fn of(&self, name: &str) -> String {
        format!("{}.{name}", self.name)
    }

    /// Messages that wait in `queue` (its name in code), `None` when there is no such queue. Fast: asks over AMQP.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn ready(&self, queue: &str) -> Option<u64> {
        let connection = connect(&self.nodes).await;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let name = ShortString::from(self.of(queue));
        let queue = channel(&connection).await.queue_declare(name, passive, FieldTable::default()).await;
        close(connection).await;
        queue.ok().map(|queue| u64::from(queue.message_count()))
    }

    /// What nobody has read yet, unacknowledged messages too. Windows onto the newest messages, which nobody reads, are left out.
    /// Slow like [`Namespace::depths`].
    ///
    /// # Panics
    /// When it fails.
    pub fn unread(&self) -> Vec<(String, Depth)> {
        const WINDOWS: [&str; 2] = ["gokart.recent", "gokart.pulses"];
        let depths = self.depths().into_iter();
        depths.filter(|(name, depth)| depth.total() > 0 && !WINDOWS.contains(&name.as_str())).collect()
    }

    /// Every queue of this namespace by its name in code, with its messages. Takes most of a second: `rabbitmqctl`.
    ///
    /// # Panics
    /// When it fails.
    pub fn depths(&self) -> Vec<(String, Depth)> {
        let prefix = self.of("");
        let list = [
            "list_queues",
            "--quiet",
            "--no-table-headers",
            "name",
            "messages_ready",
            "messages_unacknowledged",
        ];
        let count =
            |column: Option<&str>| column.and_then(|text| text.trim().parse().ok()).unwrap_or_default();
        self.nodes
            .rabbitmqctl(&list)
            .lines()
            .filter_map(|line| {
                let mut columns = line.split('\t');
                let name = columns.next()?.strip_prefix(&prefix)?.to_owned();
                let depth = Depth { ready: count(columns.next()), unacknowledged: count(columns.next()) };
                Some((name, depth))
            })
            .collect()
    }

    /// The messages of one queue, unacknowledged ones too; `None` when there is no such queue. Slow like
    /// [`Namespace::depths`].
    ///
    /// # Panics
    /// When it fails.
    pub fn depth(&self, queue: &str) -> Option<Depth> {
        self.depths().into_iter().find(|(name, _depth)| name == queue).map(|(_name, depth)| depth)
    }
}

impl Deref for Namespace {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let (nodes, prefix) = (self.nodes.clone(), self.of(""));
        // A runtime of its own: the test's may be single-threaded, and is busy dropping us.
        let deleting = thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(delete_all(&nodes, &prefix));
        });
        if deleting.join().is_err() {
            eprintln!("could not delete the queues and exchanges of {}", self.name);
        }
    }
}

async fn delete_all(nodes: &Nodes, prefix: &str) {
    let names = |list: &str| {
        let listed = nodes.rabbitmqctl(&[list, "--quiet", "--no-table-headers", "name"]);
        listed
            .lines()
            .map(str::trim)
            .filter(|name| name.starts_with(prefix))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (queues, exchanges) = thread::scope(|scope| {
        let exchanges = scope.spawn(|| names("list_exchanges"));
        (names("list_queues"), exchanges.join().expect("the names of the exchanges"))
    });
    let connection = connect(nodes).await;
    let channel = channel(&connection).await;
    for queue in queues {
        channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.expect("a deleted queue");
    }
    for exchange in exchanges {
        channel
            .exchange_delete(exchange.into(), ExchangeDeleteOptions::default())
            .await
            .expect("a deleted exchange");
    }
    close(connection).await;
}

async fn connect(nodes: &Nodes) -> Connection {
    Connection::connect(nodes.amqp_url(), ConnectionProperties::default())
        .await
        .unwrap_or_else(|error| panic!("RabbitMQ does not answer: {error}; run `make nodes`"))
}

async fn channel(connection: &Connection) -> Channel {
    connection.create_channel().await.expect("a channel")
}

async fn close(connection: Connection) {
    // The broker may have gone meanwhile, which ends the connection too.
    drop(connection.close(200, "done".into()).await);
}
