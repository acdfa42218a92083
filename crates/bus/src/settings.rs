//! The `[bus]` section of a service's settings. README.md shows it with every key commented.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use settings::{Problems, Validate};

/// RabbitMQ's own default: a delivery that is not acknowledged for this long closes the channel.
const BROKER_ACK_TIMEOUT_SECONDS: u64 = 30 * 60;

/// How a service talks to RabbitMQ. Every key but `url` has a default that suits production.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BusSettings {
    /// `amqp://user:password@host:port/vhost`, or `amqps://`. Holds a password.
    pub url: SecretString,
    /// Put before every exchange and queue name, with a dot. Empty in production; tests take a fresh one.
    pub namespace: String,
    /// How often each side shows that it lives. A silent peer is given up after twice this.
    pub heartbeat_seconds: u16,
    /// How long one attempt to connect may take, TLS and login included.
    pub connect_timeout_ms: u64,

    /// Messages published and not yet confirmed. Fewer make larger groups, more make shorter waits.
    pub in_flight: usize,
    /// Most items in one message.
    pub group_items: usize,
    /// Most bytes in one message; a single larger item travels alone.
    pub group_bytes: usize,
    /// Between two messages of a route under load: how long a caller who is not alone waits at most for company.
    pub group_wait_ms: u64,
    /// Most items that wait to be published; the next one is refused as `Full`.
    pub queue_items: usize,
    /// Most bytes that wait to be published or confirmed.
    pub queue_bytes: usize,
    /// How long a caller waits for the confirm before it is told `TimedOut`.
    pub confirm_timeout_ms: u64,

    /// Parallel consumers of each queue in this process.
    pub consumers: usize,
    /// Messages the broker hands to one consumer ahead of their acknowledgement.
    pub prefetch: u16,
    /// Most items in one call of a handler.
    pub batch_items: usize,
    /// How long a busy consumer gathers at most after a batch: as long as that batch took. An idle one never waits.
    pub batch_wait_ms: u64,
    /// How long a paused consumer keeps its deliveries before it hands them back to the broker, once.
    pub pause_hold_seconds: u64,
}

impl Default for BusSettings {
    fn default() -> Self {
        Self {
            url: SecretString::default(),
            namespace: String::new(),
            heartbeat_seconds: 10,
            connect_timeout_ms: 10_000,
            in_flight: 2,
            group_items: 512,
            group_bytes: 1024 * 1024,
            group_wait_ms: 5,
            queue_items: 16_384,
            queue_bytes: 32 * 1024 * 1024,
            confirm_timeout_ms: 5_000,
            consumers: 1,
            prefetch: 100,
            batch_items: 512,
            batch_wait_ms: 6,
            pause_hold_seconds: 600,
        }
    }
}

impl BusSettings {
    /// The defaults for one broker; for tests and tools, services read theirs.
    #[must_use]
    pub fn new(url: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self { url: SecretString::from(url.into()), namespace: namespace.into(), ..Self::default() }
    }

    pub(crate) const fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(crate) const fn confirm_timeout(&self) -> Duration {
        Duration::from_millis(self.confirm_timeout_ms)
    }

    pub(crate) const fn group_wait(&self) -> Duration {
        Duration::from_millis(self.group_wait_ms)
    }

    pub(crate) const fn batch_wait(&self) -> Duration {
        Duration::from_millis(self.batch_wait_ms)
    }

    pub(crate) const fn pause_hold(&self) -> Duration {
        Duration::from_secs(self.pause_hold_seconds)
    }
}

impl Validate for BusSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.secret_url("url", &self.url, &["amqp", "amqps"]);
        if self.namespace.len() > 64 || self.namespace.contains(|letter: char| !is_name_letter(letter)) {
            problems.add("namespace", "must be at most 64 letters, digits, dots, hyphens or underscores");
        }
        problems.in_range("heartbeat_seconds", &self.heartbeat_seconds, &(1..=60));
        problems.in_range("connect_timeout_ms", &self.connect_timeout_ms, &(100..=120_000));
        problems.in_range("in_flight", &self.in_flight, &(1..=256));
        problems.in_range("group_items", &self.group_items, &(1..=8_192));
        problems.in_range("group_bytes", &self.group_bytes, &(1_024..=8 * 1024 * 1024));
        // Longer, and what only waits for company would be given up as late.
        problems.in_range("group_wait_ms", &self.group_wait_ms, &(0..=self.confirm_timeout_ms / 2));
        problems.in_range("queue_items", &self.queue_items, &(1..=1_048_576));
        problems.in_range("queue_bytes", &self.queue_bytes, &(1_024..=1024 * 1024 * 1024));
        problems.in_range("confirm_timeout_ms", &self.confirm_timeout_ms, &(10..=600_000));
        problems.in_range("consumers", &self.consumers, &(1..=64));
        // Quorum queues hold a consumer to 2,000, and 0 would mean "no limit".
        problems.in_range("prefetch", &self.prefetch, &(1..=2_000));
        problems.in_range("batch_items", &self.batch_items, &(1..=16_384));
        problems.in_range("batch_wait_ms", &self.batch_wait_ms, &(0..=1_000));
        problems.in_range(
            "pause_hold_seconds",
            &self.pause_hold_seconds,
            &(1..=BROKER_ACK_TIMEOUT_SECONDS / 2),
        );
    }
}

fn is_name_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(settings: &BusSettings) -> Vec<String> {
        let mut problems = Problems::default();
        settings.validate(&mut problems);
        problems.into_iter().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn the_defaults_need_only_a_url() {
        assert_eq!(problems_of(&BusSettings::new("amqp://a:b@localhost:5672/%2f", "")), Vec::<String>::new());
        assert_eq!(problems_of(&BusSettings::default()).len(), 1);
    }

    #[test]
    fn a_hold_beyond_the_brokers_patience_is_refused() {
        let settings =
            BusSettings { pause_hold_seconds: 1_800, ..BusSettings::new("amqp://localhost", "t.1-a_b") };
        assert_eq!(problems_of(&settings), ["pause_hold_seconds: must be 1..=900, is 1800"]);
    }

    #[test]
    fn a_problem_never_shows_the_password() {
        let settings = BusSettings::new("http://user:hunter2@localhost", "a b");
        let found = problems_of(&settings);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(!format!("{found:?} {settings:?}").contains("hunter2"));
    }
}
