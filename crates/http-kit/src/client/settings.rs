//! The `[client]` section: which private networks may be called, and the bounds of a call.

use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use settings::{Problems, Validate};

/// Bounds of outbound calls. Keys that are left out keep their default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientSettings {
    /// Networks that may be called although they are not public, such as `127.0.0.0/8` on a laptop. Empty in
    /// production, unless a publisher lives inside the operator's own network.
    pub allowed_networks: Vec<IpNet>,
    /// Name look-up, TCP and TLS together.
    pub connect_timeout_ms: u64,
    /// The whole call, from the name look-up to the end of the body.
    pub total_timeout_ms: u64,
    /// Bytes of an answer's body to read before hanging up.
    pub body_limit_bytes: usize,
    /// Bytes of an answer's body to keep for people.
    pub excerpt_bytes: usize,
    /// Idle connections kept for each host.
    pub idle_per_host: usize,
    /// Name look-ups at once. They run on threads that cannot be stopped: a dead name server must not take them all.
    pub lookups: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            allowed_networks: Vec::new(),
            connect_timeout_ms: 5_000,
            total_timeout_ms: 15_000,
            body_limit_bytes: 64 * 1_024,
            excerpt_bytes: 2 * 1_024,
            idle_per_host: 32,
            lookups: 64,
        }
    }
}

impl ClientSettings {
    pub(super) const fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(super) const fn total_timeout(&self) -> Duration {
        Duration::from_millis(self.total_timeout_ms)
    }
}

impl Validate for ClientSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("connect_timeout_ms", &self.connect_timeout_ms, &(100..=30_000));
        problems.in_range("total_timeout_ms", &self.total_timeout_ms, &(200..=60_000));
        if self.total_timeout_ms < self.connect_timeout_ms {
            problems.add("total_timeout_ms", "must not be less than connect_timeout_ms, which it includes");
        }
        problems.in_range("body_limit_bytes", &self.body_limit_bytes, &(1_024..=1_048_576));
        problems.in_range("excerpt_bytes", &self.excerpt_bytes, &(0..=65_536));
        problems.in_range("idle_per_host", &self.idle_per_host, &(0..=1_024));
        problems.in_range("lookups", &self.lookups, &(1..=256));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        let mut problems = Problems::default();
        ClientSettings::default().validate(&mut problems);
        assert!(problems.is_empty());
    }

    #[test]
    fn a_total_shorter_than_its_part_is_refused() {
        let mut problems = Problems::default();
        ClientSettings { total_timeout_ms: 1_000, ..ClientSettings::default() }.validate(&mut problems);
        assert!(!problems.is_empty());
    }
}
