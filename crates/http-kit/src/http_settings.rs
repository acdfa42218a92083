//! The `[http]` section of a service's settings: the address and every bound of its server.

use std::{net::SocketAddr, time::Duration};

use serde::Deserialize;
use settings::{Problems, Validate};

use crate::connection::{BodyLimits, ConnectionLimits};

/// Bounds of a server. Each has a reason; the README has them as a table. Keys that are left out keep their default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads that serve requests. Handlers wait, they do not compute: more than cores brings nothing.
    pub workers: usize,
    /// Connections open at once, over all workers. Bounds memory and file descriptors when somebody floods us.
    pub max_connections: usize,
    /// Connections the kernel holds for us while all workers are busy.
    pub backlog: u32,
    /// How long an idle connection stays: longer than a balancer's own, so that the balancer closes first and never
    /// sends a request into a connection that is just closing.
    pub keep_alive_seconds: u64,
    /// Time for a whole request head: a client that sends a header every few seconds is cut off (slowloris).
    pub head_timeout_ms: u64,
    /// Time for a whole request body: as above, for bodies.
    pub body_timeout_ms: u64,
    /// Time for a caller to take its answer, or 16 KiB of a longer one: whoever sends and never reads is cut off.
    pub write_timeout_ms: u64,
    /// Time to let a closing connection go in peace.
    pub disconnect_timeout_ms: u64,
    /// A request's line and headers together: room for the longest line and for the headers of two proxies.
    pub head_limit_bytes: usize,
    /// Path and query together: more than any honest caller sends.
    pub uri_limit_bytes: usize,
    /// A request's body: more than any honest caller sends.
    pub body_limit_bytes: usize,
    /// Time to finish requests in flight when stopping; shorter than the process's own `stop.drain_seconds`.
    pub stop_seconds: u64,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            workers: 2,
            max_connections: 20_000,
            backlog: 2_048,
            keep_alive_seconds: 75,
            head_timeout_ms: 5_000,
            body_timeout_ms: 10_000,
            write_timeout_ms: 10_000,
            disconnect_timeout_ms: 2_000,
            head_limit_bytes: 48 * 1_024,
            uri_limit_bytes: 32 * 1_024,
            body_limit_bytes: 256 * 1_024,
            stop_seconds: 15,
        }
    }
}

impl HttpSettings {
    pub(crate) const fn connection_limits(&self) -> ConnectionLimits {
        ConnectionLimits {
            head_bytes: self.head_limit_bytes,
            uri_bytes: self.uri_limit_bytes,
            head_timeout: Duration::from_millis(self.head_timeout_ms),
            write_timeout: Duration::from_millis(self.write_timeout_ms),
            disconnect_timeout: Duration::from_millis(self.disconnect_timeout_ms),
        }
    }

    pub(crate) const fn body_limits(&self) -> BodyLimits {
        BodyLimits { bytes: self.body_limit_bytes, timeout: Duration::from_millis(self.body_timeout_ms) }
    }
}

impl Validate for HttpSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("workers", &self.workers, &(1..=256));
        problems.in_range("max_connections", &self.max_connections, &(1..=1_000_000));
        problems.in_range("backlog", &self.backlog, &(1..=65_535));
        problems.in_range("keep_alive_seconds", &self.keep_alive_seconds, &(1..=3_600));
        problems.in_range("head_timeout_ms", &self.head_timeout_ms, &(100..=60_000));
        problems.in_range("body_timeout_ms", &self.body_timeout_ms, &(100..=300_000));
        problems.in_range("disconnect_timeout_ms", &self.disconnect_timeout_ms, &(100..=60_000));
        problems.in_range("write_timeout_ms", &self.write_timeout_ms, &(100..=300_000));
        // The parser itself takes 128 KiB of head, and the line must leave room for headers.
        problems.in_range("head_limit_bytes", &self.head_limit_bytes, &(1_024..=114_688));
        let line_limit = self.head_limit_bytes.saturating_sub(512);
        problems.in_range("uri_limit_bytes", &self.uri_limit_bytes, &(256..=line_limit));
        problems.in_range("body_limit_bytes", &self.body_limit_bytes, &(1_024..=16_777_216));
        problems.in_range("stop_seconds", &self.stop_seconds, &(1..=600));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        let mut problems = Problems::default();
        HttpSettings::default().validate(&mut problems);
        assert!(problems.is_empty());
    }

    #[test]
    fn what_is_out_of_range_is_reported_by_its_key() {
        let mut problems = Problems::default();
        HttpSettings { workers: 0, ..HttpSettings::default() }.validate(&mut problems);
        let found: Vec<_> = problems.into_iter().map(|problem| problem.key).collect();
        assert_eq!(found, ["workers"]);
    }
}
