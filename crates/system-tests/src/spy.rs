//! Hears everything that is said in a part of the broker, as it was said: bodies and headers.

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
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
    /// Listens on every exchange that stands by now.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn on(namespace: &Namespace) -> Self {
        let connection = Connection::connect(namespace.amqp_url(), ConnectionProperties::default())
            .await
            .expect("the broker is there");
        let channel = connection.create_channel().await.expect("a channel");
        let prefix = namespace.of("");
        let queue = format!("{prefix}{QUEUE}");
        channel
            .queue_declare(queue.as_str().into(), QueueDeclareOptions::default(), FieldTable::default())
            .await
            .expect("a queue");
        let mut exchanges = 0;
        for exchange in listed("list_exchanges", &prefix) {
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
        Self { _connection: connection, channel, prefix }
    }

    /// Takes every message out of every queue: its own, and whatever lies in the others. Ends the work of the services.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn take_everything(&self) -> Vec<Overheard> {
        let mut overheard = Vec::new();
        for queue in listed("list_queues", &self.prefix) {
            // A queue of a connection that has ended is gone with it.
            while let Ok(Some(message)) =
                self.channel.basic_get(queue.as_str().into(), BasicGetOptions::default()).await
            {
                message.delivery.ack(BasicAckOptions::default()).await.expect("a channel");
                overheard.push(Overheard {
                    queue: queue.trim_start_matches(&self.prefix).to_owned(),
                    properties: properties_of(&message.delivery.properties),
                    body: message.delivery.data,
                });
            }
        }
        overheard
    }
}

fn properties_of(properties: &BasicProperties) -> String {
    format!("{properties:?}")
}

fn listed(what: &str, prefix: &str) -> Vec<String> {
    let listed = Nodes::from_env().rabbitmqctl(&[what, "--quiet", "--no-table-headers", "name"]);
    listed.lines().map(str::trim).filter(|name| name.starts_with(prefix)).map(str::to_owned).collect()
}
