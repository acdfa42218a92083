//! Whether attribution's verdicts are read as they are said. While they are not, time releases nothing: a veto may stand in
//! the queue, and must be heard before its hold ends.
//!
//! A verdict is late when attribution had read its input only until long ago. That is when the message was made, or, when
//! attribution itself stands before a backlog, when the oldest postback was received that it read together with the one
//! behind the verdict. When the conversion's own postback was received says nothing: it may have waited for days, rightly.
//!
//! Silence says as much: an attribution that has died tells nothing late. So it says every few seconds that its input is read, and
//! when that stays away time releases nothing either.
//!
//! What is never held back: a conversion whose hold has no length (nobody was promised time to object), and what a person
//! decides.

use kernel::Timestamp;

/// A verdict that is older than this when it is read has waited in a queue. Far above what clocks differ by, and what a busy
/// day adds.
pub const LATE_SECONDS: i64 = 60;

/// attribution's word that its input is read comes every few seconds. When it has stayed away for so long, nothing is known of it;
/// a restart of it is over sooner than in much more than this.
pub const SILENT_SECONDS: i64 = 120;

/// A hold that is over is held back by this at most. Holds are promised in whole days, so a lag that does not end makes one
/// of them a day longer, and no publisher waits for its money without end because a queue does.
pub const HELD_BACK_SECONDS_MAX: i64 = 86_400;

/// From here on somebody must look: a restart, a deploy or a broker's change of leaders is over sooner.
pub const ALARM_SECONDS: i64 = 15 * 60;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Why time may not release now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The broker is away: what it holds can not be known.
    Disconnected,
    /// What the broker holds is only now beginning to be read.
    JustConnected,
    /// This process has just read verdicts late.
    Late,
    /// Another replica has.
    OtherLate,
    /// attribution has not said lately that its input is read.
    Silent,
    /// Not known: the other replicas' word could not be read.
    Unknown,
}

impl Doubt {
    /// For people.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Disconnected => "the broker is away, and vetoes may wait there",
            Self::JustConnected => "verdicts have been read again for a moment only",
            Self::Late => "verdicts are read late",
            Self::OtherLate => "another replica reads verdicts late",
            Self::Silent => "attribution does not say that it has read its input",
            Self::Unknown => "what other replicas read is not known",
        }
    }
}

/// What one process knows of its input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Input {
    late_in_hand: u32,
    late_at: Option<Timestamp>,
    connected_since: Option<Timestamp>,
    heard_until: Option<Timestamp>,
}

impl Input {
    /// A batch is read; attribution had read its own input until `heard_until` when it said the oldest of it. Whether that
    /// is late. Every batch that begins has to end.
    pub fn begins(&mut self, now: Timestamp, heard_until: Timestamp) -> bool {
        let is_late = is_late(now, heard_until);
        if is_late {
            self.late_in_hand = self.late_in_hand.saturating_add(1);
        }
        is_late
    }

    /// A batch that was late is done, or given back.
    pub const fn ends(&mut self, now: Timestamp) {
        self.late_in_hand = self.late_in_hand.saturating_sub(1);
        self.late_at = Some(now);
    }

    /// attribution says that it has read its input until then. Its clock may be ahead.
    pub fn hears(&mut self, now: Timestamp, heard_until: Timestamp) {
        self.heard_until = self.heard_until.max(Some(heard_until.min(now)));
    }

    /// Whether the queue can be read now.
    pub fn is_connected(&mut self, now: Timestamp, is_connected: bool) {
        self.connected_since = is_connected.then(|| self.connected_since.unwrap_or(now));
    }

    /// Whether a late batch is in hand, or was within the last `quiet_seconds`.
    #[must_use]
    pub fn lags(&self, now: Timestamp, quiet_seconds: i64) -> bool {
        self.late_in_hand > 0 || self.late_at.is_some_and(|at| is_within(now, at, quiet_seconds))
    }

    /// How long ago attribution had read its input, by its last word, in microseconds; nothing before it has said any.
    #[must_use]
    pub fn silence_micros(&self, now: Timestamp) -> Option<i64> {
        self.heard_until.map(|until| lag_micros(now, until))
    }

    /// Why time may not release, if it may not; `others_lag` is what the other replicas say. Where nothing has to be quiet, for
    /// `quiet_seconds` of 0, silence is no doubt.
    #[must_use]
    pub fn doubt(&self, now: Timestamp, quiet_seconds: i64, others_lag: bool) -> Option<Doubt> {
        match self.connected_since {
            None => Some(Doubt::Disconnected),
            Some(_) if self.lags(now, quiet_seconds) => Some(Doubt::Late),
            Some(_) if others_lag => Some(Doubt::OtherLate),
            Some(since) if is_within(now, since, quiet_seconds) => Some(Doubt::JustConnected),
            Some(_) if quiet_seconds > 0 && !self.has_just_heard(now) => Some(Doubt::Silent),
            Some(_) => None,
        }
    }

    fn has_just_heard(&self, now: Timestamp) -> bool {
        self.heard_until.is_some_and(|until| is_within(now, until, SILENT_SECONDS))
    }
}

/// How long a hold must have been over before it may be released, in seconds.
#[must_use]
pub const fn patience_seconds(doubt: Option<Doubt>) -> i64 {
    if doubt.is_some() { HELD_BACK_SECONDS_MAX } else { 0 }
}

/// What somebody must be told of holds that are held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It has gone on for long enough that somebody must look.
    HeldBack,
    /// Some were held back for as long as they may be, and are released in spite of everything.
    ReleasedAllTheSame,
    /// It is over.
    Over,
}

/// Tells each of it once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watch {
    since: Option<Timestamp>,
    is_alarmed: bool,
    is_beyond: bool,
}

impl Watch {
    /// After a look: whether there was a doubt, for how long the oldest hold is over that waits, and whether anything was
    /// released.
    pub fn news(
        &mut self,
        now: Timestamp,
        is_doubtful: bool,
        overdue_seconds: Option<i64>,
        has_released: bool,
    ) -> Option<News> {
        if !is_doubtful {
            let was = std::mem::take(self);
            return (was.is_alarmed || was.is_beyond).then_some(News::Over);
        }
        let since = *self.since.get_or_insert(now);
        if has_released && !self.is_beyond {
            self.is_beyond = true;
            return Some(News::ReleasedAllTheSame);
        }
        // A hold may have been over for hours when this process starts: that is no news of its queue.
        let has_lasted = now.micros_since(since) >= ALARM_SECONDS.saturating_mul(MICROS_PER_SECOND);
        let matters = overdue_seconds.is_some_and(|seconds| seconds >= ALARM_SECONDS);
        if has_lasted && matters && !self.is_alarmed {
            self.is_alarmed = true;
            return Some(News::HeldBack);
        }
        None
    }
}

/// How long ago attribution had read its input last when it said what is read now, in microseconds; never below 0.
#[must_use]
pub fn lag_micros(now: Timestamp, heard_until: Timestamp) -> i64 {
    now.micros_since(heard_until).max(0)
}

fn is_late(now: Timestamp, heard_until: Timestamp) -> bool {
    lag_micros(now, heard_until) > LATE_SECONDS.saturating_mul(MICROS_PER_SECOND)
}

const fn is_within(now: Timestamp, at: Timestamp, seconds: i64) -> bool {
    now.micros_since(at) < seconds.saturating_mul(MICROS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: i64 = 60;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(0).saturating_add_seconds(seconds)
    }

    /// And attribution says that it is well, far into the future.
    fn connected() -> Input {
        let mut input = Input::default();
        input.is_connected(at(0), true);
        input.hears(at(10_000), at(10_000));
        input
    }

    #[test]
    fn nothing_is_released_before_the_queue_was_read_for_a_while() {
        let mut input = Input::default();
        assert_eq!(input.doubt(at(1_000), QUIET, false), Some(Doubt::Disconnected));
        input.is_connected(at(1_000), true);
        input.is_connected(at(1_059), true);
        assert_eq!(input.doubt(at(1_059), QUIET, false), Some(Doubt::JustConnected));
        input.hears(at(1_060), at(1_060));
        assert_eq!(input.doubt(at(1_060), QUIET, false), None);
        input.is_connected(at(1_061), false);
        assert_eq!(input.doubt(at(1_061), QUIET, false), Some(Doubt::Disconnected));
        input.is_connected(at(1_062), true);
        assert_eq!(input.doubt(at(1_062), QUIET, false), Some(Doubt::JustConnected), "it begins anew");
    }

    #[test]
    fn a_minute_is_late_and_less_is_not() {
        let mut input = connected();
        assert!(!input.begins(at(1_000), at(1_000 - LATE_SECONDS)));
        assert!(!input.begins(at(1_000), at(1_100)), "clocks differ");
        assert_eq!(input.doubt(at(1_000), QUIET, false), None);
        assert!(input.begins(at(1_000), at(999 - LATE_SECONDS)));
        assert_eq!(input.doubt(at(1_000), QUIET, false), Some(Doubt::Late));
    }

    #[test]
    fn a_late_batch_counts_for_as_long_as_it_is_in_hand_and_until_it_was_quiet_for_long_enough() {
        let mut input = connected();
        assert!(input.begins(at(1_000), at(0)));
        assert!(input.begins(at(1_001), at(0)), "another consumer of this process");
        input.ends(at(1_010));
        assert!(input.lags(at(5_000), QUIET), "one of them waits for its locks for more than an hour");
        input.ends(at(5_000));
        // What is read at once meanwhile does not make the other good.
        assert!(!input.begins(at(5_001), at(5_001)));
        assert!(input.lags(at(5_059), QUIET));
        assert!(!input.lags(at(5_060), QUIET));
        assert_eq!(input.doubt(at(5_060), QUIET, false), None);
    }

    #[test]
    fn what_another_replica_reads_late_counts_here() {
        let input = connected();
        assert_eq!(input.doubt(at(1_000), QUIET, true), Some(Doubt::OtherLate));
    }

    #[test]
    fn an_attribution_that_says_nothing_is_a_doubt() {
        let mut input = Input::default();
        input.is_connected(at(0), true);
        assert_eq!(input.doubt(at(1_000), QUIET, false), Some(Doubt::Silent), "it has never said anything");
        assert_eq!(input.doubt(at(1_000), 0, false), None, "nothing has to be quiet");
        input.hears(at(1_000), at(999));
        assert_eq!(input.doubt(at(998 + SILENT_SECONDS), QUIET, false), None);
        assert_eq!(input.doubt(at(999 + SILENT_SECONDS), QUIET, false), Some(Doubt::Silent));
        // Words may come in any order, and from a clock that is ahead.
        input.hears(at(2_000), at(9_000));
        input.hears(at(2_001), at(1_500));
        assert_eq!(input.silence_micros(at(2_001)), Some(1_000_000));
        assert_eq!(input.doubt(at(1_999 + SILENT_SECONDS), QUIET, false), None);
        assert_eq!(input.doubt(at(2_000 + SILENT_SECONDS), QUIET, false), Some(Doubt::Silent));
    }

    #[test]
    fn a_doubt_holds_back_for_a_day_at_most() {
        assert_eq!(patience_seconds(None), 0);
        assert_eq!(patience_seconds(Some(Doubt::Late)), 24 * 60 * 60);
        // People are told before money moves all the same.
        const { assert!(ALARM_SECONDS < HELD_BACK_SECONDS_MAX) };
    }

    #[test]
    fn a_lag_that_does_not_end_is_an_alarm_once_and_says_when_it_is_over() {
        let mut watch = Watch::default();
        assert_eq!(watch.news(at(0), true, Some(9_000), false), None, "it has only just begun to look");
        assert_eq!(watch.news(at(ALARM_SECONDS - 1), true, Some(10_000), false), None);
        assert_eq!(watch.news(at(ALARM_SECONDS), true, None, false), None, "nobody's money waits");
        assert_eq!(watch.news(at(ALARM_SECONDS), true, Some(ALARM_SECONDS), false), Some(News::HeldBack));
        assert_eq!(watch.news(at(ALARM_SECONDS + 1), true, Some(10_000), false), None, "said once");
        assert_eq!(watch.news(at(90_000), true, Some(86_400), true), Some(News::ReleasedAllTheSame));
        assert_eq!(watch.news(at(90_001), true, Some(86_400), true), None);
        assert_eq!(watch.news(at(90_002), false, None, true), Some(News::Over));
        assert_eq!(watch.news(at(90_003), false, None, true), None);
        assert_eq!(watch.news(at(90_004), true, Some(10_000), false), None, "it begins anew");
    }

    #[test]
    fn a_setting_of_no_seconds_waits_for_nothing_but_what_is_in_hand() {
        let mut input = connected();
        assert_eq!(input.doubt(at(0), 0, false), None);
        assert!(input.begins(at(1_000), at(0)));
        assert_eq!(input.doubt(at(1_000), 0, false), Some(Doubt::Late));
        input.ends(at(1_000));
        assert_eq!(input.doubt(at(1_000), 0, false), None);
    }
}
