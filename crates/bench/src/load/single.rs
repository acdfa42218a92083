//! One call at a time over one connection: how long a single one takes, with nobody else there.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use super::{Connection, Load, Promised, Template};

/// Sends for `time`; returns what it brought and how long each call took, from the first byte sent to the last one read.
///
/// # Errors
/// When the connection fails.
pub async fn single(
    address: SocketAddr,
    mut template: Template,
    first: u64,
    time: Duration,
    promised: Promised,
) -> anyhow::Result<(Load, Vec<Duration>)> {
    // On a thread of the runtime, where the sockets wake tasks: whoever is measured beside it is there, too.
    let calls = tokio::spawn(async move {
        let mut connection = Connection::open(address).await?;
        let (mut load, mut times) = (Load::default(), Vec::new());
        let start = Instant::now();
        for number in first.. {
            if start.elapsed() >= time {
                break;
            }
            let request = template.stamped(number);
            let sent = Instant::now();
            let response = connection.exchange(request).await?;
            times.push(sent.elapsed());
            match promised(&response) {
                Some(id) => load.promised.push(id),
                None => load.refused += 1,
            }
        }
        load.wall = start.elapsed();
        Ok::<_, std::io::Error>((load, times))
    });
    Ok(calls.await??)
}
