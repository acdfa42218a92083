//! How many postbacks a second a publisher is sent: a token bucket, kept as the one moment at which it was empty.

use kernel::Timestamp;

/// What a full bucket holds, in seconds of its rate: so much goes out at once after a pause. Above the longest sleep of the
/// deliverer, or the rate could not be reached.
const BURST_SECONDS: u32 = 1;
const MICROS_PER_SECOND: u32 = 1_000_000;

/// Postbacks a second; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(u32);

impl Rate {
    /// So many a second; 0 counts as 1: a publisher that is to hear nothing is switched off.
    #[must_use]
    pub const fn per_second(count: u32) -> Self {
        Self(if count == 0 { 1 } else { count })
    }

    /// Postbacks a second.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Microseconds from one token to the next, rounded up: never faster than said.
    fn micros(self) -> i64 {
        i64::from(MICROS_PER_SECOND.div_ceil(self.0))
    }

    const fn burst(self) -> u32 {
        self.0.saturating_mul(BURST_SECONDS)
    }
}

/// A publisher's bucket. In any stretch of `t` seconds it gives at most (`t` + 1) × rate tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// When it was empty, and has been filling since; absent: it is full.
    pub empty_at: Option<Timestamp>,
}

impl Bucket {
    /// A full one.
    pub const FULL: Self = Self { empty_at: None };

    /// Tokens in it now.
    #[must_use]
    pub fn left(self, rate: Rate, now: Timestamp) -> u32 {
        let Some(empty_at) = self.empty_at else { return rate.burst() };
        let tokens = now.micros_since(empty_at).checked_div(rate.micros()).unwrap_or_default();
        u32::try_from(tokens.max(0)).unwrap_or(u32::MAX).min(rate.burst())
    }

    /// After so many were taken.
    #[must_use]
    pub fn take(self, tokens: u32, rate: Rate, now: Timestamp) -> Self {
        let filling = i64::from(rate.burst()).saturating_mul(rate.micros());
        let full = now.saturating_add_micros(filling.saturating_neg());
        let from = self.empty_at.map_or(full, |empty_at| empty_at.max(full));
        let taken = i64::from(tokens).saturating_mul(rate.micros());
        Self { empty_at: Some(from.saturating_add_micros(taken)) }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "sums of a test, far from any end")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn later(micros: i64) -> Timestamp {
        NOW.saturating_add_micros(micros)
    }

    #[test]
    fn a_second_of_its_rate_goes_at_once_and_the_rest_one_by_one() {
        let rate = Rate::per_second(5);
        assert_eq!(Bucket::FULL.left(rate, NOW), 5);
        let empty = Bucket::FULL.take(5, rate, NOW);
        assert_eq!(empty.left(rate, NOW), 0);
        assert_eq!(empty.left(rate, later(199_999)), 0);
        assert_eq!(empty.left(rate, later(200_000)), 1);
        assert_eq!(empty.left(rate, later(i64::MAX / 2)), 5, "no more than it holds");
    }

    #[test]
    fn a_replica_whose_clock_reads_earlier_finds_nothing_rather_than_too_much() {
        let empty = Bucket::FULL.take(5, Rate::per_second(5), NOW);
        assert_eq!(empty.left(Rate::per_second(5), later(-1)), 0);
    }

    #[test]
    fn nothing_a_second_is_one() {
        assert_eq!(Bucket::FULL.left(Rate::per_second(0), NOW), 1);
    }

    proptest! {
        /// However it is asked, no stretch of time sees more than its rate and one full bucket.
        #[test]
        fn it_never_gives_more_than_its_rate(
            per_second in 1_u32..5_000,
            steps in prop::collection::vec((0_i64..2_000_000, any::<u32>()), 1..100),
        ) {
            let rate = Rate::per_second(per_second);
            let (mut bucket, mut now) = (Bucket::FULL, NOW);
            let mut given: Vec<(Timestamp, i64)> = Vec::new();
            for (micros, wanted) in steps {
                now = now.saturating_add_micros(micros);
                let tokens = wanted.min(bucket.left(rate, now));
                bucket = bucket.take(tokens, rate, now);
                given.push((now, i64::from(tokens)));
            }
            for first in 0..given.len() {
                let stretch = now.micros_since(given[first].0);
                let sum: i64 = given[first..].iter().map(|(_, tokens)| tokens).sum();
                let allowed = i64::from(per_second) + stretch * i64::from(per_second) / 1_000_000 + 1;
                prop_assert!(sum <= allowed, "{sum} in {stretch} µs at {per_second}/s");
            }
        }

        /// Time alone fills it, and what was not taken is not lost.
        #[test]
        fn a_second_fills_it(per_second in 1_u32..5_000, taken in any::<u32>()) {
            let rate = Rate::per_second(per_second);
            let taken = taken.min(per_second);
            let bucket = Bucket::FULL.take(taken, rate, NOW);
            prop_assert_eq!(bucket.left(rate, NOW), per_second - taken);
            // Rounding up makes a token up to a microsecond late.
            prop_assert_eq!(bucket.left(rate, later(1_000_000 + i64::from(per_second))), per_second);
        }
    }
}
