//! What is known of an endpoint from its answers: its breaker, and whether it said so often that it is gone that it is
//! paused until a person, or another URL, says otherwise.

use kernel::Timestamp;

use super::{
    Answer,
    breaker::{self, Breaker, Share},
    schedule::SPAN_SECONDS,
};

/// 410 in a row, across deliveries, that pause an endpoint (`SEMANTICS.md` §7).
pub const GONE_TO_PAUSE: u32 = 10;

/// Probes that fail in the time of a whole schedule: one every [`breaker::OPEN_SECONDS_MAX`], and a few sooner at first.
pub const PROBES_OF_A_SCHEDULE: u32 = 912;

/// An endpoint as its answers show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// Whether it is spoken to.
    pub breaker: Breaker,
    /// 410 since the last other answer.
    pub gone: u32,
    /// Since when it is paused. Time does not end that.
    pub paused_at: Option<Timestamp>,
}

impl Condition {
    /// Of an endpoint that answered nothing yet, or that starts afresh.
    pub const FRESH: Self = Self { breaker: Breaker::CLOSED, gone: 0, paused_at: None };

    /// How much may be sent now.
    #[must_use]
    pub fn share(self, now: Timestamp) -> Share {
        if self.paused_at.is_some() { Share::Nothing } else { self.breaker.share(now) }
    }

    /// Since when a probe may go; nothing when everything or nothing may.
    #[must_use]
    pub fn probe_due_since(self, now: Timestamp) -> Option<Timestamp> {
        match (self.share(now), self.breaker) {
            (Share::Probe, Breaker::Open { until, .. }) => Some(until),
            _ => None,
        }
    }

    /// Whether what is due waits: there is something to resume.
    #[must_use]
    pub const fn is_held(self) -> bool {
        self.paused_at.is_some() || matches!(self.breaker, Breaker::Open { .. })
    }

    /// Whether it has been left alone for as long as a whole schedule takes: paused so long ago, or asked so often in vain. What was not
    /// asked because this service was away does not count.
    #[must_use]
    pub fn is_given_up(self, now: Timestamp) -> bool {
        let is_long_paused =
            self.paused_at.is_some_and(|at| at.saturating_add_seconds(i64::from(SPAN_SECONDS)) <= now);
        let is_dead = matches!(self.breaker, Breaker::Open { failed_probes, .. } if failed_probes >= PROBES_OF_A_SCHEDULE);
        is_long_paused || is_dead
    }

    /// After an attempt; `heard` is absent when it did not get as far as a request. No answer at all neither adds to a run
    /// of 410 nor ends it. What comes in while it is paused began before, and changes nothing.
    #[must_use]
    pub fn after(self, heard: Option<Answer>, now: Timestamp) -> Self {
        if self.paused_at.is_some() {
            return self;
        }
        let gone = match heard {
            Some(Answer::Status { code: 410, .. }) => self.gone.saturating_add(1),
            Some(Answer::Status { .. }) => 0,
            Some(Answer::None) | None => self.gone,
        };
        Self {
            breaker: self.breaker.after(breaker::sign(heard), now),
            gone,
            paused_at: (gone >= GONE_TO_PAUSE).then_some(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(5);

    const fn status(code: u16) -> Answer {
        Answer::Status { code, retry_after: None }
    }

    fn after(answers: impl IntoIterator<Item = Answer>) -> Condition {
        answers.into_iter().fold(Condition::FRESH, |condition, answer| condition.after(Some(answer), NOW))
    }

    #[test]
    fn ten_410_in_a_row_pause_it_and_nothing_that_comes_later_ends_that() {
        let nine = [status(410); 9];
        assert_eq!(after(nine).share(NOW), Share::All);
        let paused = after(nine.into_iter().chain([status(410)]));
        assert_eq!((paused.gone, paused.paused_at, paused.share(NOW)), (10, Some(NOW), Share::Nothing));
        assert!(paused.is_held());
        assert_eq!(paused.share(NOW.saturating_add_seconds(i64::MAX)), Share::Nothing);
        assert_eq!(paused.after(Some(status(200)), NOW), paused);
    }

    #[test]
    fn any_other_answer_ends_the_run_and_none_does_not() {
        let nine = [status(410); 9];
        assert_eq!(after(nine.into_iter().chain([status(500)])).gone, 0);
        assert_eq!(after(nine.into_iter().chain([status(200)])).gone, 0);
        let silent = after(nine.into_iter().chain([Answer::None])).after(None, NOW);
        assert!(silent.paused_at.is_none() && silent.after(Some(status(410)), NOW).paused_at.is_some());
    }

    proptest! {
        #[test]
        fn it_is_paused_once_ten_of_a_row_were_410(codes in prop::collection::vec(prop_oneof![4 => Just(410), 1 => 200_u16..600], 0..80)) {
            let pauses = codes.windows(10).any(|run| run.iter().all(|code| *code == 410));
            let condition = after(codes.into_iter().map(status));
            prop_assert_eq!(condition.paused_at.is_some(), pauses);
        }
    }
}
