//! The real clock and the real randomness. Everything else takes them as parameters.

use std::time::{SystemTime, UNIX_EPOCH};

use kernel::{Clock, IdSource, Timestamp};
use uuid::Uuid;

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        // A clock before 1970 or after the year 294 000 is held at the ends; there is nobody to tell.
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
    }
}

/// The operating system's randomness; ids of one process grow strictly, also within a millisecond.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
    fn uuid_v7(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        if let Err(failure) = getrandom::fill(bytes) {
            // Going on with bytes that can be guessed would issue tokens that can be guessed.
            tracing::error!(reason = %failure, "the operating system gives no randomness; the process ends");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_and_bytes_differ() {
        let ids: Vec<Uuid> = (0..1_000).map(|_| SystemIds.uuid_v7()).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
        let (mut one, mut other) = ([0_u8; 32], [0_u8; 32]);
        SystemIds.fill_random(&mut one);
        SystemIds.fill_random(&mut other);
        assert_ne!(one, other);
    }

    #[test]
    fn the_clock_is_past_the_day_this_was_written() {
        assert!(SystemClock.now() > Timestamp::from_micros(1_700_000_000_000_000));
    }
}
