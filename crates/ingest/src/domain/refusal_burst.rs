//! When wrong credentials are an alarm: many within a sliding window. A rule over counts; nothing is refused because of it.

use std::collections::VecDeque;

use kernel::Timestamp;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// When a burst begins. It ends when the window holds less than half as many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BurstRule {
    /// So many refused calls …
    pub calls: u64,
    /// … within so many seconds.
    pub window_seconds: u32,
}

/// What to tell people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BurstChange {
    /// A burst began.
    Began {
        /// Refused calls in the window.
        refused: u64,
    },
    /// It is over.
    Ended {
        /// All calls refused since its window began.
        refused: u64,
        /// Since it was noticed.
        seconds: i64,
    },
}

/// The window, and whether there is a burst.
#[derive(Debug)]
pub struct BurstWatch {
    rule: BurstRule,
    /// Refused calls by the turn at which they were counted, oldest first.
    turns: VecDeque<(Timestamp, u64)>,
    burst: Option<Burst>,
}

#[derive(Debug)]
struct Burst {
    began: Timestamp,
    refused: u64,
}

impl BurstWatch {
    /// Nothing was refused yet.
    #[must_use]
    pub const fn new(rule: BurstRule) -> Self {
        Self { rule, turns: VecDeque::new(), burst: None }
    }

    /// One look at the count: `refused` calls since the last one.
    pub fn turn(&mut self, now: Timestamp, refused: u64) -> Option<BurstChange> {
        if self.turns.back().is_some_and(|(newest, _)| now < *newest) {
            // The clock was set back: what is remembered happened just now, or it would stay for as long.
            self.turns.iter_mut().for_each(|(at, _)| *at = now);
        }
        if refused > 0 {
            self.turns.push_back((now, refused));
        }
        let window = i64::from(self.rule.window_seconds).saturating_mul(MICROS_PER_SECOND);
        while self.turns.front().is_some_and(|(at, _)| now.micros_since(*at) >= window) {
            self.turns.pop_front();
        }
        let in_window = self.turns.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        match &mut self.burst {
            None if in_window >= self.rule.calls => {
                self.burst = Some(Burst { began: now, refused: in_window });
                Some(BurstChange::Began { refused: in_window })
            }
            None => None,
            Some(burst) => {
                burst.refused = burst.refused.saturating_add(refused);
                if in_window >= self.rule.calls.div_ceil(2) {
                    return None;
                }
                let ended = BurstChange::Ended {
                    refused: burst.refused,
                    seconds: now.micros_since(burst.began).max(0).div_euclid(MICROS_PER_SECOND),
                };
                self.burst = None;
                Some(ended)
            }
        }
    }

    /// Whether there is a burst.
    #[must_use]
    pub const fn is_burst(&self) -> bool {
        self.burst.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: BurstRule = BurstRule { calls: 10, window_seconds: 60 };

    fn second(second: i64) -> Timestamp {
        Timestamp::from_micros(second * MICROS_PER_SECOND)
    }

    #[test]
    fn many_within_the_window_begin_a_burst_and_half_as_many_end_it() {
        let mut watch = BurstWatch::new(RULE);
        assert_eq!(watch.turn(second(0), 9), None);
        assert_eq!(watch.turn(second(59), 1), Some(BurstChange::Began { refused: 10 }));
        assert!(watch.is_burst());
        assert_eq!(watch.turn(second(60), 4), None, "the first nine are gone, five are not less than half");
        assert_eq!(watch.turn(second(118), 0), None);
        assert_eq!(watch.turn(second(119), 0), Some(BurstChange::Ended { refused: 14, seconds: 60 }));
        assert!(!watch.is_burst());
        assert_eq!(watch.turn(second(300), 9), None);
    }

    #[test]
    fn as_many_over_a_longer_time_are_no_burst() {
        let mut watch = BurstWatch::new(RULE);
        for turn in 0..100 {
            assert_eq!(watch.turn(second(turn * 7), 1), None);
        }
    }

    #[test]
    fn a_single_call_can_be_the_limit() {
        let mut watch = BurstWatch::new(BurstRule { calls: 1, window_seconds: 1 });
        assert_eq!(watch.turn(second(0), 1), Some(BurstChange::Began { refused: 1 }));
        assert_eq!(watch.turn(second(1), 0), Some(BurstChange::Ended { refused: 1, seconds: 1 }));
    }

    #[test]
    fn a_clock_that_is_set_back_prolongs_nothing() {
        let mut watch = BurstWatch::new(RULE);
        assert!(watch.turn(second(100_000), 50).is_some());
        assert_eq!(watch.turn(second(0), 0), None);
        assert_eq!(watch.turn(second(60), 0), Some(BurstChange::Ended { refused: 50, seconds: 0 }));
    }

    proptest! {
        /// Against the rule said plainly: the calls of the last 60 seconds, added up.
        #[test]
        fn a_burst_is_what_the_window_says(turns in prop::collection::vec((0_i64..40, 0_u64..8), 1..60)) {
            let mut watch = BurstWatch::new(RULE);
            let (mut now, mut all, mut expected) = (0, Vec::new(), false);
            for (later, refused) in turns {
                now += later;
                all.push((now, refused));
                let within: u64 = all.iter().filter(|(at, _)| now - at < 60).map(|(_, refused)| refused).sum();
                expected = if expected { within >= 5 } else { within >= 10 };
                let change = watch.turn(second(now), refused);
                prop_assert_eq!(watch.is_burst(), expected);
                let began = matches!(change, Some(BurstChange::Began { .. }));
                prop_assert!(change.is_none() || began == expected);
            }
        }
    }
}
