//! The broker as an outsider uses it: fills queues as the services would, looks at them, and empties them to count.

use std::time::Duration;

use anyhow::{Context, ensure};
use bus::{Bus, BusSettings, Route, Topology};
use bytes::Bytes;
use contracts::envelope::{Envelope, FactBatch};
use futures_util::StreamExt as _;
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions},
    types::FieldTable,
};
use process::Supervisor;
use prost::Message as _;
use test_kit::Namespace;
use tokio::{sync::watch, time::timeout};

/// Items in one message: what ingest was seen to make of 256 calls under way (the run prints it); 64 would be the most,
/// with 4 messages in flight.
pub const GROUP: usize = 32;
/// Messages taken ahead while a queue is emptied; the most a quorum queue gives.
const TAKE: u16 = 2_000;
/// Messages acknowledged together while a queue is emptied.
const ACKNOWLEDGE_EVERY: u64 = 500;
/// Items handed to the publisher at a time: what waits there is bounded.
const HAND_IN: usize = 8_192;
/// A queue that should hold more gives nothing for this long: then it does not hold it.
const PATIENCE: Duration = Duration::from_secs(10);
/// It has given all it should hold: whether there is more is waited for this long.
const ANY_MORE: Duration = Duration::from_millis(300);
/// Marks a message that is kept on disk.
const PERSISTENT: u8 = 2;

/// One namespace of the broker.
pub struct Broker {
    supervisor: Supervisor,
    bus: Bus,
    connection: Connection,
    channel: Channel,
    prefix: String,
}

/// What was in a queue.
#[derive(Debug, Clone, Copy, Default)]
pub struct Drained {
    /// Messages.
    pub messages: u64,
    /// Facts in them.
    pub items: u64,
}

impl Broker {
    /// Connects, and declares all exchanges and queues of the house as every service does. What is published here travels
    /// at most `group` items in one message.
    ///
    /// # Errors
    /// The broker's.
    pub async fn open(namespace: &Namespace, group: usize) -> anyhow::Result<Self> {
        let supervisor = Supervisor::new();
        let settings = BusSettings {
            group_items: group,
            confirm_timeout_ms: 60_000,
            ..BusSettings::new(namespace.amqp_url(), namespace.name())
        };
        let bus = Bus::start(&settings, "bench", Topology::house(), &supervisor);
        bus.wait_connected().await;
        let connection = Connection::connect(namespace.amqp_url(), ConnectionProperties::default())
            .await
            .context("connecting to RabbitMQ")?;
        let channel = connection.create_channel().await?;
        Ok(Self { supervisor, bus, connection, channel, prefix: namespace.of("") })
    }

    /// The name on the broker of what is called `name` in code.
    pub fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Publishes, and waits until the broker has all of it on disk.
    ///
    /// # Errors
    /// The broker's.
    pub async fn publish(&self, facts: impl IntoIterator<Item = (Route, Envelope)>) -> anyhow::Result<()> {
        let publisher = self.bus.publisher();
        let mut facts = facts.into_iter();
        loop {
            let some: Vec<_> = facts.by_ref().take(HAND_IN).collect();
            if some.is_empty() {
                return Ok(());
            }
            publisher.publish_all(some).await.context("publishing")?;
        }
    }

    /// Messages that wait in a queue.
    ///
    /// # Errors
    /// The broker's; the queue must be there.
    pub async fn ready(&self, queue: &str) -> anyhow::Result<u64> {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue =
            self.channel.queue_declare(self.name(queue).into(), passive, FieldTable::default()).await?;
        Ok(u64::from(queue.message_count()))
    }

    /// Takes facts out of a queue until nothing comes any more, patiently while fewer than `items` have come; shows each
    /// to `see`.
    ///
    /// # Errors
    /// The broker's; a message that is not a batch of facts, or was not persistent.
    pub async fn drain(&self, queue: &str, items: u64, see: impl FnMut(Envelope)) -> anyhow::Result<Drained> {
        let (_known, items) = watch::channel(items);
        self.drain_beside(queue, items, see).await
    }

    /// As [`drain`](Self::drain), beside a load: how many `items` should come is not known before the load is over; until
    /// then it is [`u64::MAX`].
    ///
    /// # Errors
    /// The broker's; a message that is not a batch of facts, or was not persistent.
    pub async fn drain_beside(
        &self,
        queue: &str,
        mut items: watch::Receiver<u64>,
        mut see: impl FnMut(Envelope),
    ) -> anyhow::Result<Drained> {
        let channel = self.connection.create_channel().await?;
        channel.basic_qos(TAKE, BasicQosOptions::default()).await?;
        let mut deliveries = channel
            .basic_consume(
                self.name(queue).into(),
                "bench".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        let mut drained = Drained::default();
        let all_before = BasicAckOptions { multiple: true };
        let mut last = None;
        loop {
            let patience = if drained.items < *items.borrow_and_update() { PATIENCE } else { ANY_MORE };
            let next = tokio::select! {
                next = timeout(patience, deliveries.next()) => next,
                // How long to wait is another question now.
                Ok(()) = items.changed() => continue,
            };
            let Ok(Some(delivery)) = next else { break };
            let delivery = delivery?;
            ensure!(
                *delivery.properties.delivery_mode() == Some(PERSISTENT),
                "a message in {queue} is not persistent"
            );
            let batch =
                FactBatch::decode(Bytes::from(delivery.data)).context("a message that is no FactBatch")?;
            drained.messages += 1;
            drained.items += batch.items.len() as u64;
            batch.items.into_iter().for_each(&mut see);
            if drained.messages.is_multiple_of(ACKNOWLEDGE_EVERY) {
                delivery.acker.ack(all_before).await?;
                last = None;
            } else {
                last = Some(delivery.acker);
            }
        }
        if let Some(acker) = last {
            acker.ack(all_before).await?;
        }
        channel.close(200, "done".into()).await?;
        Ok(drained)
    }

    /// Shows every fact that comes to a queue to `see`, for as long as the connection lives. Nothing is acknowledged: what is
    /// seen is gone.
    ///
    /// # Errors
    /// The broker's.
    pub async fn listen(
        &self,
        queue: &str,
        mut see: impl FnMut(Envelope) + Send + 'static,
    ) -> anyhow::Result<()> {
        let channel = self.connection.create_channel().await?;
        channel.basic_qos(TAKE, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let consumer =
            channel.basic_consume(self.name(queue).into(), "bench".into(), options, FieldTable::default());
        let mut deliveries = consumer.await?;
        tokio::spawn(async move {
            let _open = channel;
            while let Some(Ok(delivery)) = deliveries.next().await {
                let batch = FactBatch::decode(Bytes::from(delivery.data)).unwrap_or_default();
                batch.items.into_iter().for_each(&mut see);
            }
        });
        Ok(())
    }

    /// Closes everything.
    ///
    /// # Errors
    /// The broker's.
    pub async fn close(self) -> anyhow::Result<()> {
        let Self { supervisor, bus, connection, .. } = self;
        drop(bus);
        supervisor.drain(Duration::from_secs(5)).await?;
        connection.close(200, "done".into()).await?;
        Ok(())
    }
}
