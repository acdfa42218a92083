//! A bare lapin publisher: one postback a message, persistent, into the same quorum queue; 64 confirms in flight, or one.
//! What ingest would be without group commit, and without HTTP.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use contracts::envelope::FactBatch;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use prost::Message as _;

use crate::seed::Postbacks;

/// Confirms that are awaited at a time.
pub const IN_FLIGHT: usize = 64;
/// Marks a message to be kept on disk.
const PERSISTENT: u8 = 2;

/// A channel in confirm mode and nothing more.
#[derive(Debug, Clone)]
pub struct BarePublisher {
    // Closed when the last one is dropped, and with it the channel.
    _connection: Arc<Connection>,
    channel: Channel,
    exchange: String,
    routing_key: &'static str,
}

impl BarePublisher {
    /// Connects. The exchange and the queue behind it are there already: the ones ingest publishes to.
    ///
    /// # Errors
    /// The broker's.
    pub async fn connect(url: &str, exchange: String, routing_key: &'static str) -> anyhow::Result<Self> {
        let connection =
            Connection::connect(url, ConnectionProperties::default()).await.context("connecting")?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { _connection: Arc::new(connection), channel, exchange, routing_key })
    }

    /// Publishes for `time`; returns how many the broker has confirmed, and when the last confirm came.
    ///
    /// # Errors
    /// When one is not confirmed.
    pub async fn publish_for(
        &self,
        postbacks: &Postbacks,
        time: Duration,
    ) -> anyhow::Result<(u64, Duration)> {
        let start = Instant::now();
        let mut in_flight = FuturesUnordered::new();
        let mut confirmed = 0;
        let mut number = 0;
        loop {
            while in_flight.len() < IN_FLIGHT && start.elapsed() < time {
                let body = message(postbacks, number);
                number += 1;
                in_flight.push(self.publish(&body).await?);
            }
            let Some(confirmation) = in_flight.next().await else { break };
            assert_confirmed(&confirmation?)?;
            confirmed += 1;
        }
        Ok((confirmed, start.elapsed()))
    }

    /// Publishes for `time`, each only when the one before is confirmed; returns how long each took, from handing it in to
    /// its confirm, and when the last one came. A message is made before its clock starts.
    ///
    /// # Errors
    /// When one is not confirmed.
    pub async fn single(
        &self,
        postbacks: &Postbacks,
        time: Duration,
    ) -> anyhow::Result<(Vec<Duration>, Duration)> {
        let (publisher, postbacks) = (self.clone(), postbacks.clone());
        // On a thread of the runtime, as the single calls are.
        let confirms = tokio::spawn(async move {
            let mut times = Vec::new();
            let start = Instant::now();
            for number in 0.. {
                if start.elapsed() >= time {
                    break;
                }
                let body = message(&postbacks, number);
                let sent = Instant::now();
                let confirmation = publisher.publish(&body).await?.await?;
                times.push(sent.elapsed());
                assert_confirmed(&confirmation)?;
            }
            anyhow::Ok((times, start.elapsed()))
        });
        confirms.await?
    }

    async fn publish(&self, body: &[u8]) -> lapin::Result<PublisherConfirm> {
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        let (exchange, routing_key) = (self.exchange.as_str().into(), self.routing_key.into());
        self.channel
            .basic_publish(exchange, routing_key, BasicPublishOptions::default(), body, properties)
            .await
    }
}

/// As ingest makes it of one call.
fn message(postbacks: &Postbacks, number: u64) -> Vec<u8> {
    FactBatch { items: vec![postbacks.envelope(number)] }.encode_to_vec()
}

fn assert_confirmed(confirmation: &Confirmation) -> anyhow::Result<()> {
    ensure!(matches!(confirmation, Confirmation::Ack(None)), "the broker refused a message");
    Ok(())
}
