//! What the on-call person looks at. README.md says what to do about each.

use opentelemetry::{KeyValue, metrics::Counter};

use crate::store::deliveries::{End, Next};

/// Payout's own counters.
#[derive(Debug, Clone)]
pub struct Metrics {
    attempts: Counter<u64>,
    replayed: Counter<u64>,
}

impl Metrics {
    /// Registers them.
    #[must_use]
    pub fn new() -> Self {
        let attempts = telemetry::meter()
            .u64_counter("payout_delivery_attempts")
            .with_description("Attempts to tell publishers, by what came of them")
            .build();
        let replayed = telemetry::meter()
            .u64_counter("payout_replayed_deliveries")
            .with_description("Deliveries that people had told again, by what was done with them")
            .build();
        Self { attempts, replayed }
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

    /// Counts deliveries of replays.
    pub(crate) fn replayed(&self, replayed: usize, skipped: usize) {
        for (result, deliveries) in [("replayed", replayed), ("skipped", skipped)] {
            let deliveries = u64::try_from(deliveries).unwrap_or(u64::MAX);
            self.replayed.add(deliveries, &[KeyValue::new("result", result)]);
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
