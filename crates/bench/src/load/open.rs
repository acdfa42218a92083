//! Open loop: calls are due at fixed times, whether or not the ones before are answered. Measures delay.
//!
//! A closed loop stops asking while the system is slow and so never sees how slow it is. Here a call's clock starts when
//! it was *due*: if the generator or the system lags, the lag is part of the delay.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{Connection, receipt};

/// Calls that may be under way at once: far more than half load needs.
const LANES: usize = 64;

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Which one.
    pub number: u64,
    /// When it was to be sent.
    pub due: Instant,
    /// Its receipt, when it was answered 200.
    pub receipt: Option<Uuid>,
}

/// Sends `requests`, the next one every `interval`.
///
/// # Errors
/// When a connection fails.
pub async fn open(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    interval: Duration,
) -> anyhow::Result<Vec<Call>> {
    let next = Arc::new(AtomicU64::new(0));
    let mut connections = Vec::with_capacity(LANES);
    for _ in 0..LANES {
        connections.push(Connection::open(address).await?);
    }
    let start = Instant::now() + Duration::from_millis(10);
    let lanes: Vec<_> = connections
        .into_iter()
        .map(|connection| {
            let (next, requests) = (Arc::clone(&next), Arc::clone(&requests));
            tokio::spawn(lane(connection, next, requests, start, interval))
        })
        .collect();
    let mut calls = Vec::with_capacity(requests.len());
    for lane in lanes {
        calls.extend(lane.await??);
    }
    Ok(calls)
}

async fn lane(
    mut connection: Connection,
    next: Arc<AtomicU64>,
    requests: Arc<Vec<Vec<u8>>>,
    start: Instant,
    interval: Duration,
) -> std::io::Result<Vec<Call>> {
    let mut calls = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = usize::try_from(number).ok().and_then(|at| requests.get(at)) else {
            return Ok(calls);
        };
        let due = start + interval.mul_f64(number as f64);
        tokio::time::sleep_until(due.into()).await;
        let receipt = receipt(&connection.exchange(request).await?);
        calls.push(Call { number, due, receipt });
    }
}
