//! Whether a share is another than it was.
//!
//! Of `n` postbacks `k` have codes of the kind; of the `N` of the week before, `K` had. Were nothing different, `k` would be
//! binomial about `n p` with `p = (K + 1) / (N + 2)` (one more of each: a week without any does not make the first one
//! impossible).

/// Postbacks in the window without which nothing is said: of fewer, one more or less is percents.
const WINDOW_MIN: i64 = 50;
/// Postbacks with the codes without which nothing is said: one user's broken device sends a few.
const MATCHING_MIN: i64 = 10;
/// Postbacks of the week before without which nothing is usual.
const USUAL_MIN: i64 = 200;
/// Standard deviations above the usual from which on it is an alarm: 1 in 30,000 by chance, of numbers that are asked for anew
/// only every few hours.
const RAISE_SIGMAS: i128 = 4;
/// Standard deviations down to which it has to fall to be over: half of that, so that an alarm does not flap.
const CLEAR_SIGMAS: i128 = 2;
/// Below one in 20 nobody gets up, however sure it is.
const RAISE_ONE_IN: i128 = 20;
/// An alarm is over below half of that.
const CLEAR_ONE_IN: i128 = 40;
/// With very many postbacks every drift is sure: it must be half as much again, or half the way to everything.
const RAISE_PART: i128 = 2;
/// And it is over below a quarter.
const CLEAR_PART: i128 = 4;

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// All of them; 0 or more.
    pub postbacks: i64,
    /// Those with the codes; never more than all.
    pub matching: i64,
}

/// How the window is beside the week before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Far more than usual.
    Alarming,
    /// As usual, or less.
    Usual,
    /// Neither; or there is too little to say. What was, stays.
    Unclear,
}

/// Compares.
#[must_use]
pub fn compare(window: Share, usual: Share) -> Comparison {
    if window.postbacks < WINDOW_MIN || usual.postbacks < USUAL_MIN {
        return Comparison::Unclear;
    }
    let (n, k) = (i128::from(window.postbacks), i128::from(window.matching.max(0)));
    let all = i128::from(usual.postbacks).saturating_add(2);
    let with = i128::from(usual.matching.clamp(0, usual.postbacks)).saturating_add(1);
    // Everything times N: k is so much more than n p.
    let excess = k.saturating_mul(all).saturating_sub(n.saturating_mul(with));
    let variance = n.saturating_mul(with).saturating_mul(all.saturating_sub(with));
    let is_beyond = |sigmas: i128| {
        excess > 0 && excess.saturating_mul(excess) > sigmas.saturating_mul(sigmas).saturating_mul(variance)
    };
    let room = n.saturating_mul(with.min(all.saturating_sub(with)));
    let is_visible = |part: i128| excess.saturating_mul(part) >= room;
    let is_one_in = |many: i128| k.saturating_mul(many) >= n;

    if window.matching >= MATCHING_MIN
        && is_beyond(RAISE_SIGMAS)
        && is_visible(RAISE_PART)
        && is_one_in(RAISE_ONE_IN)
    {
        Comparison::Alarming
    } else if is_beyond(CLEAR_SIGMAS) && is_visible(CLEAR_PART) && is_one_in(CLEAR_ONE_IN) {
        Comparison::Unclear
    } else {
        Comparison::Usual
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    // Usually none: ten of fifty are an alarm, nine are not, nor ten of 49.
    #[case((50, 10), (1_000, 0), Comparison::Alarming)]
    #[case((50, 9), (1_000, 0), Comparison::Unclear)]
    #[case((49, 49), (1_000, 0), Comparison::Unclear)]
    #[case((50, 0), (1_000, 0), Comparison::Usual)]
    // Usually one in ten: of a hundred, 4 sigma are 12 more.
    #[case((100, 23), (1_000, 100), Comparison::Alarming)]
    #[case((100, 21), (1_000, 100), Comparison::Unclear)]
    #[case((100, 15), (1_000, 100), Comparison::Usual)]
    // Of very many each drift is sure, and none is visible before it is half as much again.
    #[case((1_000_000, 110_000), (1_000_000, 100_000), Comparison::Usual)]
    #[case((1_000_000, 130_000), (1_000_000, 100_000), Comparison::Unclear)]
    #[case((1_000_000, 151_000), (1_000_000, 100_000), Comparison::Alarming)]
    // Where most are, all is an alarm.
    #[case((1_000, 1_000), (1_000, 700), Comparison::Alarming)]
    // One in a hundred is sure and small.
    #[case((100_000, 1_000), (100_000, 0), Comparison::Usual)]
    // A young event has no usual.
    #[case((150, 150), (199, 0), Comparison::Unclear)]
    fn numbers_speak(#[case] window: (i64, i64), #[case] usual: (i64, i64), #[case] expected: Comparison) {
        let share = |(postbacks, matching)| Share { postbacks, matching };
        assert_eq!(compare(share(window), share(usual)), expected);
    }

    fn a_share() -> impl Strategy<Value = Share> {
        (0_i64..2_000_000)
            .prop_flat_map(|all| (0..=all).prop_map(move |matching| Share { postbacks: all, matching }))
    }

    fn rank(comparison: Comparison) -> u8 {
        match comparison {
            Comparison::Usual => 0,
            Comparison::Unclear => 1,
            Comparison::Alarming => 2,
        }
    }

    proptest! {
        /// More of them is never less alarming, and more of them before never more.
        #[test]
        fn it_is_monotone(window in a_share(), usual in a_share(), more in 0_i64..1_000_000) {
            let found = rank(compare(window, usual));
            let grown = Share { matching: window.matching.saturating_add(more).min(window.postbacks), ..window };
            prop_assert!(rank(compare(grown, usual)) >= found);
            let known = Share { matching: usual.matching.saturating_add(more).min(usual.postbacks), ..usual };
            // Above a half the way to everything gets shorter.
            if known.matching.saturating_mul(2) <= known.postbacks {
                prop_assert!(rank(compare(window, known)) <= found);
            }
        }

        /// What is no more than usual is never an alarm.
        #[test]
        fn no_more_than_usual_is_usual(usual in a_share(), part in 50_i64..1_000) {
            let matching = usual.matching.saturating_mul(part).checked_div(usual.postbacks.max(1)).unwrap();
            let found = compare(Share { postbacks: part, matching }, usual);
            prop_assert!(found != Comparison::Alarming, "{found:?}");
        }

        /// Any numbers are taken.
        #[test]
        fn no_number_is_too_large(a in 0..i64::MAX, b in 0..i64::MAX, c in 0..i64::MAX, d in 0..i64::MAX) {
            let share = |one: i64, two: i64| Share { postbacks: one.max(two), matching: one.min(two) };
            let _any = compare(share(a, b), share(c, d));
        }
    }
}
