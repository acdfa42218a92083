//! What the on-call person looks at. README.md says what to do about each.

use std::sync::LazyLock;

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge},
};

use crate::{
    domain::reason_codes::OF_REVIEWS,
    store::{
        deliveries::{End, Next},
        endpoint_conditions::Held,
        reviews::Waiting,
    },
};

/// The label of every code that this release does not know: attribution may be of a later one, and labels are bounded.
const OTHER: &str = "OTHER";

/// Payout's own counters.
#[derive(Debug, Clone)]
pub struct Metrics {
    attempts: Counter<u64>,
    exhausted: Counter<u64>,
    replayed: Counter<u64>,
    breaker_openings: Counter<u64>,
    endpoint_pauses: Counter<u64>,
    breakers_open: Gauge<i64>,
    endpoints_paused: Gauge<i64>,
    on_review: Gauge<i64>,
    on_review_oldest: Gauge<i64>,
    input_lag: Gauge<i64>,
    holds_overdue: Gauge<i64>,
    ledger_differences: Gauge<i64>,
    ledger_proofs: Counter<u64>,
}

impl Metrics {
    /// Registers them.
    #[must_use]
    pub fn new() -> Self {
        let meter = telemetry::meter();
        let counter = |name, description| meter.u64_counter(name).with_description(description).build();
        let gauge = |name, description| meter.i64_gauge(name).with_description(description).build();
        Self {
            attempts: counter(
                "payout_delivery_attempts",
                "Attempts to tell publishers, by what came of them",
            ),
            exhausted: counter(
                "payout_deliveries_exhausted",
                "Deliveries that ended untold, after ten attempts or so long at an endpoint that was left alone: an alarm",
            ),
            replayed: counter(
                "payout_replayed_deliveries",
                "Deliveries that people had told again, by what was done with them",
            ),
            breaker_openings: counter(
                "payout_breaker_openings",
                "Endpoints that failed ten times in a row and are left alone for a while",
            ),
            endpoint_pauses: counter(
                "payout_endpoint_pauses",
                "Endpoints that answered 410 ten times in a row: an alarm",
            ),
            breakers_open: gauge("payout_breakers_open", "Endpoints whose breaker is open, of all tenants"),
            endpoints_paused: gauge(
                "payout_endpoints_paused",
                "Paused endpoints of all tenants, which wait for a person",
            ),
            on_review: gauge(
                "payout_on_review",
                "Conversions of all tenants that wait for a person, by reason; 10,000 stands for more",
            ),
            on_review_oldest: gauge(
                "payout_on_review_oldest_seconds",
                "How long the oldest of them stands as it does, by reason; 0 when there is none",
            ),
            input_lag: gauge(
                "payout_input_lag_seconds",
                "How long ago attribution had read its input when it said what is read now",
            ),
            holds_overdue: gauge(
                "payout_holds_overdue_seconds",
                "How long the oldest hold that is held back is over; 0 when none is",
            ),
            ledger_differences: gauge(
                "payout_ledger_differences",
                "What the last proof of the whole ledger found wrong: an alarm above 0",
            ),
            ledger_proofs: counter("payout_ledger_proofs", "Proofs of the whole ledger that came to an end"),
        }
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

    /// Counts an attempt that was not made: the process was held up.
    pub(crate) fn too_late(&self) {
        self.attempts.add(1, &[KeyValue::new("result", "too_late")]);
    }

    /// Counts deliveries that are written down as exhausted after ten attempts.
    pub(crate) fn used_up(&self, deliveries: usize) {
        self.count_exhausted("attempts", deliveries);
    }

    /// Counts those whose endpoint was left alone for as long as a schedule takes.
    pub(crate) fn given_up(&self, deliveries: usize) {
        self.count_exhausted("left_alone", deliveries);
    }

    fn count_exhausted(&self, reason: &'static str, deliveries: usize) {
        if deliveries > 0 {
            let deliveries = u64::try_from(deliveries).unwrap_or(u64::MAX);
            self.exhausted.add(deliveries, &[KeyValue::new("reason", reason)]);
        }
    }

    /// Counts deliveries of replays.
    pub(crate) fn replayed(&self, replayed: usize, skipped: usize) {
        for (result, deliveries) in [("replayed", replayed), ("skipped", skipped)] {
            let deliveries = u64::try_from(deliveries).unwrap_or(u64::MAX);
            self.replayed.add(deliveries, &[KeyValue::new("result", result)]);
        }
    }

    pub(crate) fn breaker_opened(&self) {
        self.breaker_openings.add(1, &[]);
    }

    pub(crate) fn endpoint_paused(&self) {
        self.endpoint_pauses.add(1, &[]);
    }

    pub(crate) fn endpoints_held(&self, held: Held) {
        self.breakers_open.record(held.open, &[]);
        self.endpoints_paused.record(held.paused, &[]);
    }

    /// Every code is said each time: what is no longer there is 0, and not what it was last.
    pub(crate) fn on_review(&self, waiting: &[Waiting]) {
        for code in OF_REVIEWS.into_iter().chain([OTHER]) {
            let (conversions, oldest) = waiting
                .iter()
                .filter(|some| label(&some.reason_code) == code)
                .map(|some| (some.conversions, some.oldest_seconds))
                .fold((0_i64, 0_i64), |(sum, oldest), (count, age)| {
                    (sum.saturating_add(count), oldest.max(age))
                });
            let labels = [KeyValue::new("reason_code", code)];
            self.on_review.record(conversions, &labels);
            self.on_review_oldest.record(oldest, &labels);
        }
    }

    pub(crate) fn input_lag(&self, micros: i64) {
        self.input_lag.record(micros.checked_div(1_000_000).unwrap_or_default(), &[]);
    }

    pub(crate) fn ledger_proved(&self, differences: u64) {
        self.ledger_differences.record(i64::try_from(differences).unwrap_or(i64::MAX), &[]);
        self.ledger_proofs.add(1, &[]);
    }

    pub(crate) fn holds_overdue(&self, seconds: i64) {
        self.holds_overdue.record(seconds, &[]);
    }
}

fn label(reason_code: &str) -> &'static str {
    OF_REVIEWS.into_iter().find(|code| *code == reason_code).unwrap_or(OTHER)
}

/// Counts an entry whose id is in the ledger already. On its own, because it is found where everything is written.
pub(crate) fn ledger_conflict() {
    static CONFLICTS: LazyLock<Counter<u64>> = LazyLock::new(|| {
        telemetry::meter()
            .u64_counter("payout_ledger_conflicts")
            .with_description("Entries whose id is in the ledger already: an alarm")
            .build()
    });
    CONFLICTS.add(1, &[]);
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
