//! Declares a [`Topology`] on the broker.

use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, LongString},
};

use crate::topology::{
    DEAD_EXCHANGE, DELIVERY_LIMIT, DELIVERY_LIMIT_OF_THE_DEAD, Kind, Names, Queue, Topology, UNROUTABLE,
    WINDOW_MESSAGES,
};

/// A part of the topology that the broker refused. `406 PRECONDITION_FAILED` means that it stands there with other
/// arguments, from another version or another hand.
#[derive(Debug, thiserror::Error)]
#[error("declare {what} {name:?}")]
pub(crate) struct DeclareError {
    what: &'static str,
    name: String,
    #[source]
    source: lapin::Error,
}

/// Everything but the broadcast queues, which belong to the connection of their consumer.
pub(crate) async fn declare(
    channel: &Channel,
    topology: &Topology,
    names: &Names,
) -> Result<(), DeclareError> {
    let unroutable = names.of(UNROUTABLE);
    exchange(channel, &unroutable, ExchangeKind::Fanout, FieldTable::default()).await?;
    quorum_queue(channel, &unroutable, keeper()).await?;
    bind(channel, &unroutable, &unroutable, "").await?;

    let dead_exchange = names.of(DEAD_EXCHANGE);
    exchange(channel, &dead_exchange, ExchangeKind::Direct, FieldTable::default()).await?;

    for name in &topology.exchanges {
        // Whoever publishes gets a confirm for an unroutable message too. With this nothing unroutable is dropped,
        // so the confirm can be believed.
        let arguments = table([("alternate-exchange", text(&unroutable))]);
        exchange(channel, &names.of(name), ExchangeKind::Topic, arguments).await?;
    }

    for queue in &topology.queues {
        match queue.kind {
            Kind::Shared => shared(channel, queue, names, &dead_exchange).await?,
            Kind::Window => window(channel, queue, names).await?,
            Kind::Broadcast => {}
        }
    }
    Ok(())
}

async fn window(channel: &Channel, queue: &Queue, names: &Names) -> Result<(), DeclareError> {
    let name = names.of(queue.name);
    // People look at it: see the limit's own words.
    let mut newest_only = keeper();
    newest_only.insert("x-max-length".into(), AMQPValue::LongInt(WINDOW_MESSAGES));
    newest_only.insert("x-overflow".into(), text("drop-head"));
    quorum_queue(channel, &name, newest_only).await?;
    bind_all(channel, &name, queue, names).await
}

async fn shared(
    channel: &Channel,
    queue: &Queue,
    names: &Names,
    dead_exchange: &str,
) -> Result<(), DeclareError> {
    let name = names.of(queue.name);
    // The grave first: with at-least-once dead-lettering a missing grave stops the queue from giving up anything.
    let dead = names.dead(queue.name);
    quorum_queue(channel, &dead, keeper()).await?;
    bind(channel, &dead, dead_exchange, &name).await?;

    let arguments = table([
        ("x-delivery-limit", AMQPValue::LongInt(DELIVERY_LIMIT)),
        ("x-dead-letter-exchange", text(dead_exchange)),
        ("x-dead-letter-routing-key", text(&name)),
        ("x-dead-letter-strategy", text("at-least-once")),
        // At-least-once dead-lettering works only with this overflow.
        ("x-overflow", text("reject-publish")),
    ]);
    quorum_queue(channel, &name, arguments).await?;
    bind_all(channel, &name, queue, names).await
}

/// A queue of this connection alone; the broker makes the name. It is deleted with the connection.
pub(crate) async fn broadcast(
    channel: &Channel,
    queue: &Queue,
    names: &Names,
) -> Result<String, DeclareError> {
    let options =
        QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let arguments = table([("x-queue-type", text("classic"))]);
    let declared = channel
        .queue_declare("".into(), options, arguments)
        .await
        .map_err(|source| DeclareError { what: "broadcast queue", name: names.of(queue.name), source })?;
    let name = declared.name().to_string();
    bind_all(channel, &name, queue, names).await?;
    Ok(name)
}

fn keeper() -> FieldTable {
    table([("x-delivery-limit", AMQPValue::LongInt(DELIVERY_LIMIT_OF_THE_DEAD))])
}

async fn exchange(
    channel: &Channel,
    name: &str,
    kind: ExchangeKind,
    arguments: FieldTable,
) -> Result<(), DeclareError> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(name.into(), kind, options, arguments).await.map_err(|source| DeclareError {
        what: "exchange",
        name: name.to_owned(),
        source,
    })
}

async fn quorum_queue(channel: &Channel, name: &str, mut arguments: FieldTable) -> Result<(), DeclareError> {
    arguments.insert("x-queue-type".into(), text("quorum"));
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), options, arguments).await.map(drop).map_err(|source| DeclareError {
        what: "queue",
        name: name.to_owned(),
        source,
    })
}

async fn bind_all(channel: &Channel, name: &str, queue: &Queue, names: &Names) -> Result<(), DeclareError> {
    for binding in &queue.bindings {
        bind(channel, name, &names.of(&binding.exchange), &binding.routing_key).await?;
    }
    Ok(())
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), DeclareError> {
    channel
        .queue_bind(
            queue.into(),
            exchange.into(),
            key.into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await
        .map_err(|source| DeclareError { what: "binding of queue", name: queue.to_owned(), source })
}

fn table<const N: usize>(entries: [(&'static str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in entries {
        table.insert(key.into(), value);
    }
    table
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}
