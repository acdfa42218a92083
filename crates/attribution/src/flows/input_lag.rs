//! Whether postbacks are read as they come. While they are not, nothing may be expired: what a postback waits for may
//! stand in the queue. Replicas share what they know here through the table `replicas`.

use std::sync::{Mutex, PoisonError};

use kernel::Timestamp;

/// A batch whose oldest postback is older than this was waiting in the queue.
const LAG_SECONDS: i64 = 60;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// The last batch this process has read.
#[derive(Debug, Default)]
pub(crate) struct InputLag {
    last: Mutex<Option<Seen>>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Timestamp,
    lag_micros: i64,
}

impl InputLag {
    /// A batch was read at `at`; its oldest postback was received at `oldest`.
    pub(crate) fn saw(&self, at: Timestamp, oldest: Timestamp) -> i64 {
        let lag_micros = at.micros_since(oldest).max(0);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen { at, lag_micros });
        lag_micros
    }

    /// Whether a batch within the last `quiet_seconds` came late.
    pub(crate) fn is_lagging(&self, now: Timestamp, quiet_seconds: i64) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|seen| {
            let recently = now.micros_since(seen.at) < quiet_seconds.saturating_mul(MICROS_PER_SECOND);
            recently && seen.lag_micros > LAG_SECONDS.saturating_mul(MICROS_PER_SECOND)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_batch_holds_expiry_up_until_it_was_quiet_for_long_enough() {
        let at = |seconds: i64| Timestamp::from_micros(0).saturating_add_seconds(seconds);
        let lag = InputLag::default();
        assert!(!lag.is_lagging(at(0), 60), "nothing was read");
        lag.saw(at(1_000), at(999));
        assert!(!lag.is_lagging(at(1_001), 60), "read at once");
        lag.saw(at(1_002), at(900));
        assert!(lag.is_lagging(at(1_061), 60));
        assert!(!lag.is_lagging(at(1_062), 60));
    }
}
