//! Hears everything that is said in a part of the broker, as it was said: bodies and headers.

use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{BasicAckOptions, BasicGetOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use test_kit::{Namespace, Nodes};

/// The name in code of the spy's own queue.
const QUEUE: &str = "spy";

/// Somebody with a queue of its own on every exchange.
pub struct Spy {
    _connection: Connection,
    channel: Channel,
    prefix: String,
}

/// One message.
#[derive(Debug)]
pub struct Overheard {
    /// The queue it was in, by its name in code.
    pub queue: String,
    /// Its body, as it is.
    pub body: Vec<u8>,
    /// Everything that was said about it, as text.
    pub properties: String,
}

impl Spy {
    /// Listens on nothing yet.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn in_part(namespace: &Namespace) -> Self {
        let connection = Connection::connect(namespace.amqp_url(), ConnectionProperties::default())
            .await
            .expect("the broker is there");
        let channel = connection.create_channel().await.expect("a channel");
        Self { _connection: connection, channel, prefix: namespace.of("") }
    }

    /// Listens on every exchange that stands by now.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn on(namespace: &Namespace) -> Self {
        let spy = Self::in_part(namespace).await;
        let (channel, prefix) = (&spy.channel, &spy.prefix);
        let queue = format!("{prefix}{QUEUE}");
        channel
            .queue_declare(queue.as_str().into(), QueueDeclareOptions::default(), FieldTable::default())
            .await
            .expect("a queue");
        let mut exchanges = 0;
        for exchange in listed("list_exchanges", prefix, &[]) {
            channel
                .queue_bind(
                    queue.as_str().into(),
                    exchange.as_str().into(),
                    "#".into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await
                .expect("a binding");
            exchanges += 1;
        }
        assert!(exchanges > 0, "there is nothing to listen on yet");
        spy
    }

    /// Takes every message that waits in one queue, by its name in code.
    ///
    /// # Panics
    /// When there is no such queue.
    pub async fn take(&self, queue: &str) -> Vec<Overheard> {
        let mut overheard = Vec::new();
        let name = format!("{}{queue}", self.prefix);
        let get = || self.channel.basic_get(name.as_str().into(), BasicGetOptions::default());
        while let Some(message) = get().await.expect("the queue is there") {
            message.delivery.ack(BasicAckOptions::default()).await.expect("a channel");
            overheard.push(Overheard {
                queue: queue.to_owned(),
                properties: format!("{:?}", message.delivery.properties),
                body: message.delivery.data,
            });
        }
        overheard
    }

    /// Takes every message out of every queue: its own, and whatever lies in the others. Ends the work of the services.
    /// Left out are the queues that only their own connection may read; the spy's own hears the same.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn take_everything(&self) -> Vec<Overheard> {
        let mut overheard = Vec::new();
        for queue in listed("list_queues", &self.prefix, &["exclusive"]) {
            overheard.extend(self.take(queue.trim_start_matches(&self.prefix)).await);
        }
        overheard
    }
}

/// Names in this part of the broker for which none of the `without` holds.
fn listed(what: &str, prefix: &str, without: &[&str]) -> Vec<String> {
    let list: Vec<_> = [&[what, "--quiet", "--no-table-headers", "name"], without].concat();
    let listed = Nodes::from_env().rabbitmqctl(&list);
    let mine = listed.lines().filter(|line| line.starts_with(prefix) && !line.contains("\ttrue"));
    mine.filter_map(|line| line.split('\t').next()).map(|name| name.trim().to_owned()).collect()
}
