//! The schedule of attempts: at once, then 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h after the one before: ten
//! attempts over 75 h 35 min 5 s, the example of Standard Webhooks.

/// Seconds between the end of an attempt and the next one.
const DELAYS: [u32; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// Attempts before a delivery is exhausted.
pub const ATTEMPTS: u16 = 10;

/// From the first attempt to the last, without jitter: 75 h 35 min 5 s.
pub const SPAN_SECONDS: u32 = 272_105;

/// A share of a delay, 800 to 1200 per mille, so that a receiver that comes back is not met by everyone at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jitter(u16);

impl Jitter {
    /// No jitter.
    pub const NONE: Self = Self(1_000);

    /// A jitter from two random bytes, near enough evenly spread.
    #[must_use]
    pub fn from_random(random: [u8; 2]) -> Self {
        let spread = u16::from_be_bytes(random).checked_rem(401).unwrap_or_default();
        Self(spread.saturating_add(800))
    }
}

/// Milliseconds to wait after `attempts` attempts have failed; `None` when that was the last.
///
/// A receiver that says when to come back (`Retry-After`, in seconds) is heard within one and two times the delay.
#[must_use]
pub fn delay_after(attempts: u16, jitter: Jitter, retry_after: Option<u64>) -> Option<u64> {
    let index = usize::from(attempts.checked_sub(1)?);
    let seconds = u64::from(*DELAYS.get(index)?);
    let jittered = seconds.saturating_mul(u64::from(jitter.0));
    let asked =
        retry_after.map(|asked| asked.clamp(seconds, seconds.saturating_mul(2)).saturating_mul(1_000));
    Some(asked.unwrap_or(jittered))
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "sums of a test, far from any end")]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn ten_attempts_span_75_hours_35_minutes_5_seconds() {
        let delays: Vec<u64> =
            (1..=ATTEMPTS).filter_map(|attempts| delay_after(attempts, Jitter::NONE, None)).collect();
        assert_eq!(delays.len(), usize::from(ATTEMPTS) - 1);
        assert_eq!(delays.iter().sum::<u64>(), u64::from(SPAN_SECONDS) * 1_000);
        assert_eq!(SPAN_SECONDS, 75 * 3_600 + 35 * 60 + 5);
    }

    #[rstest]
    #[case::too_soon(1, Some(0), 5_000)]
    #[case::within(1, Some(7), 7_000)]
    #[case::too_late(1, Some(1_000_000_000), 10_000)]
    #[case::later_step(3, Some(u64::MAX), 3_600_000)]
    fn retry_after_is_heard_within_bounds(
        #[case] attempts: u16,
        #[case] asked: Option<u64>,
        #[case] expected: u64,
    ) {
        assert_eq!(delay_after(attempts, Jitter(1_200), asked), Some(expected));
    }

    #[test]
    fn the_tenth_failure_is_the_last_and_none_is_never_a_delay() {
        assert_eq!(delay_after(ATTEMPTS, Jitter::NONE, Some(5)), None);
        assert_eq!(delay_after(0, Jitter::NONE, None), None);
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_fifth(attempts in 1..ATTEMPTS, random in any::<[u8; 2]>()) {
            let plain = delay_after(attempts, Jitter::NONE, None).unwrap();
            let jittered = delay_after(attempts, Jitter::from_random(random), None).unwrap();
            prop_assert!(jittered * 10 >= plain * 8 && jittered * 10 <= plain * 12);
        }
    }
}
