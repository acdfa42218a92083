//! The `stop` section of every service's settings.

use std::time::Duration;

use serde::Deserialize;
use settings::{Problems, Validate};

/// How a process takes its leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopSettings {
    /// Between "not ready" and closing the doors: as long as load balancers need to notice.
    pub readiness_lag_ms: u64,
    /// How long work under way may take to finish.
    pub drain_seconds: u64,
}

impl Default for StopSettings {
    fn default() -> Self {
        Self { readiness_lag_ms: 0, drain_seconds: 20 }
    }
}

impl StopSettings {
    pub(crate) fn readiness_lag(self) -> Duration {
        Duration::from_millis(self.readiness_lag_ms)
    }

    pub(crate) fn drain_limit(self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

impl Validate for StopSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("readiness_lag_ms", &self.readiness_lag_ms, &(0..=60_000));
        problems.in_range("drain_seconds", &self.drain_seconds, &(1..=3_600));
    }
}
