//! What the on-call person looks at. README.md says what to do about each.

use opentelemetry::{KeyValue, metrics::Counter};

use crate::store::deliveries::{End, Next};

/// Payout's own counters.
#[derive(Debug, Clone)]
pub struct Metrics {
    attempts: Counter<u64>,
}

impl Metrics {
    /// Registers them.
    #[must_use]
    pub fn new() -> Self {
        let attempts = telemetry::meter()
            .u64_counter("payout_delivery_attempts")
            .with_description("Attempts to tell publishers, by what came of them")
            .build();
        Self { attempts }
    }

    /// Counts an attempt.
    pub(crate) fn attempted(&self, next: Next) {
        let result = match next {
            Next::AgainIn(_) => "failed",
            Next::End(End::Delivered) => "delivered",
            Next::End(End::Exhausted) => "exhausted",
            Next::End(End::Stopped | End::Superseded) => "stopped",
        };
        self.attempts.add(1, &[KeyValue::new("result", result)]);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
