//! The circuit breaker of an endpoint: one that does not answer is left alone for a while, then asked once, and spoken to
//! again when it answers.
//!
//! By endpoint, not by publisher: what is down is a server. A publisher with one good and one dead endpoint would never open
//! a common breaker, and the dead one would hold the good one's slots.

use kernel::Timestamp;

use super::Answer;

/// Failures in a row that open it: as many as a delivery has attempts, so that one bad delivery alone opens nothing before it
/// is exhausted, and few enough that an endpoint which is down costs a publisher's slots for one round of time-outs.
pub const FAILURES_TO_OPEN: u32 = 10;
/// How long it stays open at first: a restart of a server is over by then.
pub const OPEN_SECONDS_FIRST: i64 = 30;
/// The longest: a publisher that comes back after a day waits no longer for what is due.
pub const OPEN_SECONDS_MAX: i64 = 300;

/// What an attempt says of the receiver, whatever it says of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Somebody is there and looks at what is sent.
    Up,
    /// Nobody answers, or it answers everybody like this.
    Down,
    /// The attempt did not get as far as the receiver: a fault of our own.
    None,
}

/// What an answer says of the receiver. Most of 4xx is about one message: a click that it does not know, a body that it does
/// not take. Redirects, 5xx and those that refuse everybody (401, 403, 407, 408, 425, 429) are about the receiver.
#[must_use]
pub const fn sign(heard: Option<Answer>) -> Sign {
    match heard {
        None => Sign::None,
        Some(Answer::Status { code: 401 | 403 | 407 | 408 | 425 | 429, .. } | Answer::None) => Sign::Down,
        Some(Answer::Status { code: 200..=299 | 400..=499, .. }) => Sign::Up,
        Some(Answer::Status { .. }) => Sign::Down,
    }
}

/// How much may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Whatever is due.
    All,
    /// One delivery, to see whether somebody is there.
    Probe,
    /// Nothing.
    Nothing,
}

/// A breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// Everything is sent.
    Closed {
        /// Failures since the last success; below [`FAILURES_TO_OPEN`].
        failures: u32,
    },
    /// Nothing is sent until a moment, then one probe.
    Open {
        /// The moment of the next probe. While one is under way: the end of its lease, so that the probe of a process that
        /// died is followed by another.
        until: Timestamp,
        /// Probes that failed since it opened.
        failed_probes: u32,
        /// Whether a probe is under way, or its process died.
        probing: bool,
    },
}

impl Breaker {
    /// Of an endpoint that never failed.
    pub const CLOSED: Self = Self::Closed { failures: 0 };

    /// How much may be sent now.
    #[must_use]
    pub fn share(self, now: Timestamp) -> Share {
        match self {
            Self::Closed { .. } => Share::All,
            Self::Open { until, .. } if until <= now => Share::Probe,
            Self::Open { .. } => Share::Nothing,
        }
    }

    /// A probe is on its way until the end of its lease; nobody sends another one meanwhile.
    #[must_use]
    pub const fn probe_until(self, lease_ends: Timestamp) -> Self {
        match self {
            Self::Closed { .. } => self,
            Self::Open { failed_probes, .. } => {
                Self::Open { until: lease_ends, failed_probes, probing: true }
            }
        }
    }

    /// After an attempt. A failure that comes in while it is open and no probe is under way began before it opened, and
    /// prolongs nothing; a success always closes it.
    #[must_use]
    pub const fn after(self, sign: Sign, now: Timestamp) -> Self {
        match (self, sign) {
            (_, Sign::Up) => Self::CLOSED,
            (Self::Closed { failures }, Sign::Down) => {
                let failures = failures.saturating_add(1);
                if failures < FAILURES_TO_OPEN {
                    Self::Closed { failures }
                } else {
                    Self::Open {
                        until: now.saturating_add_seconds(open_seconds(0)),
                        failed_probes: 0,
                        probing: false,
                    }
                }
            }
            (Self::Open { probing: true, failed_probes, .. }, Sign::Down) => {
                let failed_probes = failed_probes.saturating_add(1);
                let until = now.saturating_add_seconds(open_seconds(failed_probes));
                Self::Open { until, failed_probes, probing: false }
            }
            // A probe that said nothing is followed by another at once.
            (Self::Open { probing: true, failed_probes, .. }, Sign::None) => {
                Self::Open { until: now, failed_probes, probing: false }
            }
            (Self::Open { probing: false, .. }, Sign::Down | Sign::None)
            | (Self::Closed { .. }, Sign::None) => self,
        }
    }
}

/// 30 s, 1 min, 2 min, 4 min, then 5 min for ever.
const fn open_seconds(failed_probes: u32) -> i64 {
    let doubled = match 2_i64.checked_pow(failed_probes) {
        Some(factor) => OPEN_SECONDS_FIRST.saturating_mul(factor),
        None => OPEN_SECONDS_MAX,
    };
    if doubled < OPEN_SECONDS_MAX { doubled } else { OPEN_SECONDS_MAX }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn after(breaker: Breaker, signs: impl IntoIterator<Item = Sign>) -> Breaker {
        signs.into_iter().fold(breaker, |breaker, sign| breaker.after(sign, NOW))
    }

    fn opened() -> Breaker {
        after(Breaker::CLOSED, [Sign::Down; 10])
    }

    #[rstest]
    #[case::answered(Some(200), Sign::Up)]
    #[case::unknown_click(Some(404), Sign::Up)]
    #[case::bad_request(Some(400), Sign::Up)]
    #[case::gone(Some(410), Sign::Up)]
    #[case::redirect(Some(302), Sign::Down)]
    #[case::unauthorized(Some(401), Sign::Down)]
    #[case::throttled(Some(429), Sign::Down)]
    #[case::broken(Some(500), Sign::Down)]
    #[case::nonsense(Some(199), Sign::Down)]
    #[case::nobody(None, Sign::Down)]
    fn an_answer_is_a_sign_of_the_receiver(#[case] code: Option<u16>, #[case] expected: Sign) {
        let answer = code.map_or(Answer::None, |code| Answer::Status { code, retry_after: None });
        assert_eq!(sign(Some(answer)), expected);
        assert_eq!(sign(None), Sign::None);
    }

    #[test]
    fn ten_failures_in_a_row_open_it_and_one_success_ends_the_run() {
        let nine = after(Breaker::CLOSED, [Sign::Down; 9]);
        assert_eq!(nine, Breaker::Closed { failures: 9 });
        assert_eq!(after(nine, [Sign::None]), nine);
        assert_eq!(after(nine, [Sign::Up]), Breaker::CLOSED);
        assert_eq!(after(nine, [Sign::Down]), opened());
        assert_eq!(opened().share(NOW), Share::Nothing);
        assert_eq!(opened().share(NOW.saturating_add_seconds(29)), Share::Nothing);
        assert_eq!(opened().share(NOW.saturating_add_seconds(30)), Share::Probe);
    }

    #[test]
    fn a_failed_probe_doubles_the_time_up_to_five_minutes() {
        let mut breaker = opened();
        let mut waits = Vec::new();
        for _ in 0..40 {
            breaker = after(breaker.probe_until(NOW.saturating_add_seconds(45)), [Sign::Down]);
            let Breaker::Open { until, probing: false, .. } = breaker else { panic!("{breaker:?}") };
            waits.push(until.micros_since(NOW) / 1_000_000);
        }
        assert_eq!(waits[..5], [60, 120, 240, 300, 300]);
        assert!(waits[5..].iter().all(|wait| *wait == OPEN_SECONDS_MAX));
    }

    #[test]
    fn one_probe_at_a_time_and_another_when_its_process_died() {
        let lease_ends = NOW.saturating_add_seconds(45);
        let probing = opened().probe_until(lease_ends);
        assert_eq!(probing.share(NOW), Share::Nothing);
        assert_eq!(probing.share(lease_ends), Share::Probe);
        assert_eq!(after(probing, [Sign::Up]), Breaker::CLOSED);
        // A fault of ours tells nothing: the next probe may go at once.
        assert_eq!(after(probing, [Sign::None]).share(NOW), Share::Probe);
    }

    #[test]
    fn what_began_before_it_opened_prolongs_nothing() {
        assert_eq!(after(opened(), [Sign::Down; 50]), opened());
    }

    fn any_sign() -> impl Strategy<Value = Sign> {
        prop_oneof![Just(Sign::Up), Just(Sign::Down), Just(Sign::None)]
    }

    proptest! {
        /// Whatever happens, it asks again within five minutes or the lease of a probe, and a success closes it.
        #[test]
        fn it_never_stays_shut(steps in prop::collection::vec((any_sign(), any::<bool>(), 0_i64..400), 0..200)) {
            let (mut breaker, mut now) = (Breaker::CLOSED, NOW);
            for (sign, probes, seconds) in steps {
                now = now.saturating_add_seconds(seconds);
                if probes && breaker.share(now) == Share::Probe {
                    breaker = breaker.probe_until(now.saturating_add_seconds(45));
                }
                breaker = breaker.after(sign, now);
                prop_assert_ne!(breaker.share(now.saturating_add_seconds(OPEN_SECONDS_MAX)), Share::Nothing);
                prop_assert_eq!(breaker.after(Sign::Up, now), Breaker::CLOSED);
                if let Breaker::Closed { failures } = breaker {
                    prop_assert!(failures < FAILURES_TO_OPEN);
                }
            }
        }

        /// It opens exactly when the last ten signs that say anything are failures.
        #[test]
        fn it_opens_after_a_run_and_nothing_else(signs in prop::collection::vec(any_sign(), 0..60)) {
            let opens = after(Breaker::CLOSED, signs.iter().copied()) != after(Breaker::CLOSED, []);
            let run = signs.iter().rev().filter(|sign| **sign != Sign::None);
            let run = run.take_while(|sign| **sign == Sign::Down).count();
            prop_assert_eq!(opens, run > 0);
            let is_open = matches!(after(Breaker::CLOSED, signs.iter().copied()), Breaker::Open { .. });
            prop_assert_eq!(is_open, run >= 10);
        }
    }
}
