//! A fact straight onto the broker, as its owner would have said it: for orders and stamps that no door lets one choose.

use contracts::{
    Fact,
    envelope::{Envelope, FactBatch},
};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, options::BasicPublishOptions};
use prost::Message;
use test_kit::Namespace;

/// A connection that says what it is told to.
pub struct Injector {
    _connection: Connection,
    channel: Channel,
    prefix: String,
}

impl Injector {
    /// Connects to the broker of a stack.
    pub async fn connect(namespace: &Namespace) -> Self {
        let connection = Connection::connect(namespace.amqp_url(), ConnectionProperties::default())
            .await
            .expect("the broker is there");
        let channel = connection.create_channel().await.expect("a channel");
        Self { _connection: connection, channel, prefix: namespace.of("") }
    }

    /// Says one fact, alone in its message.
    pub async fn publish<F: Fact>(&self, item: Envelope) {
        let body = FactBatch { items: vec![item] }.encode_to_vec();
        let exchange = format!("{}{}", self.prefix, F::EXCHANGE);
        let properties = BasicProperties::default().with_delivery_mode(2);
        self.channel
            .basic_publish(
                exchange.as_str().into(),
                F::ROUTING_KEY.into(),
                BasicPublishOptions::default(),
                &body,
                properties,
            )
            .await
            .expect("the broker takes it");
    }
}
