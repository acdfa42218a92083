//! A bare lapin publisher: one postback a message, persistent, into the same quorum queue, 64 confirms in flight. What
//! ingest would be without group commit, and without HTTP.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use contracts::envelope::FactBatch;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use prost::Message as _;

use crate::seed::Postbacks;

/// Confirms that are awaited at a time.
pub const IN_FLIGHT: usize = 64;
/// Marks a message to be kept on disk.
const PERSISTENT: u8 = 2;

/// A channel in confirm mode and nothing more.
#[derive(Debug)]
pub struct BarePublisher {
    // Closed when dropped, and with it the channel.
    _connection: Connection,
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
        Ok(Self { _connection: connection, channel, exchange, routing_key })
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
                let body = FactBatch { items: vec![postbacks.envelope(number)] }.encode_to_vec();
                number += 1;
                let publishing = self.channel.basic_publish(
                    self.exchange.as_str().into(),
                    self.routing_key.into(),
                    BasicPublishOptions::default(),
                    &body,
                    BasicProperties::default().with_delivery_mode(PERSISTENT),
                );
                in_flight.push(publishing.await?);
            }
            let Some(confirmation) = in_flight.next().await else { break };
            ensure!(matches!(confirmation?, Confirmation::Ack(None)), "the broker refused a message");
            confirmed += 1;
        }
        Ok((confirmed, start.elapsed()))
    }
}
