//! Closed loop: each connection sends its next request when the last one is answered. Measures how much goes through.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use uuid::Uuid;

use super::{Connection, Response, Template};

/// Connections at a time.
pub const CONNECTIONS: u64 = 256;

/// What a load brought.
#[derive(Debug, Default)]
pub struct Load {
    /// Receipts of the calls that were answered 200.
    pub receipts: Vec<Uuid>,
    /// Calls that were answered otherwise.
    pub refused: u64,
    /// Until the last answer.
    pub wall: Duration,
}

impl Load {
    fn join(mut self, other: Self) -> Self {
        self.receipts.extend(other.receipts);
        self.refused += other.refused;
        self.wall = self.wall.max(other.wall);
        self
    }
}

/// Sends for `time` over 256 connections that stand before the clock starts. Every call that was begun is finished and
/// counted. Numbers begin at `first`; connection `n` uses every 256th.
///
/// # Errors
/// When a connection fails: then the figures are worth nothing.
pub async fn closed(
    address: SocketAddr,
    template: &Template,
    first: u64,
    time: Duration,
) -> anyhow::Result<Load> {
    let connections = try_join_all((0..CONNECTIONS).map(|_| Connection::open(address))).await?;
    let start = Instant::now();
    let tasks: Vec<_> = connections
        .into_iter()
        .zip(first..)
        .map(|(connection, first)| tokio::spawn(repeat(connection, template.clone(), first, start, time)))
        .collect();
    let mut load = Load::default();
    for task in tasks {
        load = load.join(task.await??);
    }
    Ok(load)
}

async fn repeat(
    mut connection: Connection,
    mut template: Template,
    first: u64,
    start: Instant,
    time: Duration,
) -> std::io::Result<Load> {
    let mut load = Load::default();
    let mut number = first;
    while start.elapsed() < time {
        let response = connection.exchange(template.stamped(number)).await?;
        match receipt(&response) {
            Some(receipt) => load.receipts.push(receipt),
            None => load.refused += 1,
        }
        number += CONNECTIONS;
    }
    load.wall = start.elapsed();
    Ok(load)
}

/// The receipt of a 200: `{"receipt":"…"}`.
pub fn receipt(response: &Response<'_>) -> Option<Uuid> {
    const BEFORE: usize = r#"{"receipt":""#.len();
    if response.status != 200 {
        return None;
    }
    Uuid::try_parse_ascii(response.body.get(BEFORE..BEFORE + 36)?).ok()
}
