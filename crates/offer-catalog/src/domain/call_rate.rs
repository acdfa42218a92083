//! How often somebody may call: so many at once, then one whenever the time for it has passed (the generic cell rate
//! algorithm). All that is remembered of a caller is when it could call as often as at first.

use std::time::Duration;

/// A rate and a burst.
#[derive(Debug, Clone, Copy)]
pub struct CallRate {
    /// Between two calls in the long run.
    every: Duration,
    /// How far ahead of that a caller may run.
    ahead: Duration,
}

impl CallRate {
    /// So many calls a minute, and so many at once; both at least 1.
    #[must_use]
    pub fn new(per_minute: u32, burst: u32) -> Self {
        let every = Duration::from_mins(1).checked_div(per_minute.max(1)).unwrap_or_default();
        Self { every, ahead: every.saturating_mul(burst.saturating_sub(1)) }
    }

    /// Whether a caller that is rested at `rested` may call at `now`: when it will be rested then.
    ///
    /// # Errors
    /// How long it has to wait.
    pub fn admit(self, rested: Duration, now: Duration) -> Result<Duration, Duration> {
        let rested = rested.max(now);
        let wait = rested.saturating_sub(now).saturating_sub(self.ahead);
        if wait.is_zero() { Ok(rested.saturating_add(self.every)) } else { Err(wait) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_one_at_a_time() {
        let rate = CallRate::new(60, 3);
        let at = Duration::from_secs(100);
        let mut rested = Duration::ZERO;
        for _call in 0..3 {
            rested = rate.admit(rested, at).unwrap();
        }
        assert_eq!(rate.admit(rested, at), Err(Duration::from_secs(1)));
        rested = rate.admit(rested, at + Duration::from_secs(1)).unwrap();
        assert!(rate.admit(rested, at + Duration::from_millis(1_500)).is_err());
        // Rested: as at first.
        let later = at + Duration::from_mins(1);
        for _call in 0..3 {
            rested = rate.admit(rested, later).unwrap();
        }
        assert!(rate.admit(rested, later).is_err());
    }
}
