//! Counts refused calls and tells people when there are many at once. Nothing is refused because of it, and nothing of what
//! a refused call said is told: it may be a secret, almost right.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kernel::Clock;
use process::Supervisor;

use crate::domain::{BurstChange, BurstRule, BurstWatch};

/// How often the count is looked at: an alarm may be a second late.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Counts refused calls. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Refusals(Arc<AtomicU64>);

impl Refusals {
    /// Nothing was refused yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A call was refused for its credential.
    pub fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Looks at the count every second until the process stops.
    pub fn keep_watching(&self, rule: BurstRule, clock: Arc<dyn Clock>, supervisor: &Supervisor) {
        let noted = self.clone();
        let gauge = telemetry::meter()
            .u64_gauge("ingest_refused_burst")
            .with_description("1 while many calls are refused for their credential")
            .build();
        supervisor.spawn_support("refusals", async move {
            let mut watch = BurstWatch::new(rule);
            loop {
                let refused = noted.0.swap(0, Ordering::Relaxed);
                if let Some(change) = watch.turn(clock.now(), refused) {
                    say(change, rule);
                }
                gauge.record(u64::from(watch.is_burst()), &[]);
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
    }
}

fn say(change: BurstChange, rule: BurstRule) {
    match change {
        BurstChange::Began { refused } => tracing::error!(
            refused,
            window_seconds = rule.window_seconds,
            "many calls with a wrong credential: somebody guesses, or pasted its values wrongly, or uses revoked ones"
        ),
        BurstChange::Ended { refused, seconds } => {
            tracing::info!(refused, seconds, "calls with a wrong credential are few again");
        }
    }
}
