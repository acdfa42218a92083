//! How unlikely it is that nothing has come.
//!
//! The past up to a day before the silence gives each hour of the week (of the day, while it is shorter than two weeks) a rate:
//! what came in it, over how often it was there. That last day gives the level: were there half as many as the rates say, half
//! is expected. Never more: a busy day promises nothing. So many are expected during the silence; were they Poisson, none at all would have
//! the probability e^-expected.

use kernel::Timestamp;

use super::{HISTORY_DAYS, Hour, MICROS_PER_HOUR, hour_of, start_of};

/// Expected postbacks from which on silence is an alarm: e^-14 is 8 in 10 million, so an operator who watches a thousand
/// events hears of one by chance in some years.
const EXPECTED_MIN: i64 = 14;
/// Hours of past without which nothing is said: each hour of the day twice, and the last day.
const HISTORY_HOURS_MIN: i64 = 72;
/// Postbacks of past without which nothing is said: their number is then right to a tenth.
const HISTORY_POSTBACKS_MIN: i64 = 100;
/// An event that came in fewer than one in so many hours is one of bursts: no rate says when the next is due.
const SPARSE_ONE_IN: i64 = 4;
/// From so long a past on, an hour's rate is that of its hour of the week.
const WEEKLY_FROM_HOURS: i64 = 2 * HOURS_PER_WEEK;

const HOURS_PER_DAY: i64 = 24;
const HOURS_PER_WEEK: i64 = 168;
/// Rates and expectations are counted in millionths of a postback.
const MILLIONTHS: i64 = 1_000_000;

/// A silence that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// The end of the last hour with a postback.
    pub since: Timestamp,
    /// Postbacks that would be usual since then.
    pub expected: i64,
    /// Postbacks of the past that says so.
    pub history: i64,
}

struct Rates {
    /// Hours after which rates repeat.
    cycle: i64,
    /// Millionths of a postback by place in the cycle.
    rates: Vec<i64>,
}

/// Whether nothing has come for longer than the past makes likely. `past`: hours with postbacks before or at `last`, in order;
/// `last`: the last hour in which one came.
///
/// As hours are all that is known, silence begins at the end of that hour. It must also be longer, measured in what was
/// expected, than any earlier silence of this event but the longest (which may have been an outage): where postbacks come in
/// heaps, e^-expected is not true, and its own gaps say so. Of an event that comes in few hours, also measured in hours.
#[must_use]
pub fn silence(past: &[(Hour, i64)], last: Hour, now: Timestamp) -> Option<Silence> {
    let oldest = hour_of(now).saturating_sub(HISTORY_DAYS.saturating_mul(HOURS_PER_DAY));
    let from = past.partition_point(|(hour, _)| *hour < oldest);
    let until = past.partition_point(|(hour, _)| *hour <= last);
    let past = past.get(from..until)?;
    let first = past.first()?.0;
    let history = past.iter().fold(0_i64, |sum, (_, count)| sum.saturating_add(*count));
    let hours = last.saturating_sub(first).saturating_add(1);
    if hours < HISTORY_HOURS_MIN || history < HISTORY_POSTBACKS_MIN {
        return None;
    }
    let before_last_day = last.saturating_sub(HOURS_PER_DAY);
    let rates =
        Rates::of(past.get(..past.partition_point(|(hour, _)| *hour <= before_last_day))?, before_last_day)?;
    let next = last.saturating_add(1);
    let expected =
        scaled(rates.expected(next, now), rates.level(past, before_last_day.saturating_add(1), next));
    let gaps = past.windows(2).filter_map(|pair| {
        let [(before, _), (after, _)] = pair else { return None };
        Some((before.saturating_add(1), *after))
    });
    let own = second_highest(gaps.clone().map(|(from, until)| rates.expected(from, start_of(until))));
    if expected < EXPECTED_MIN.saturating_mul(MILLIONTHS).max(own) {
        return None;
    }
    let busy_hours = i64::try_from(past.len()).unwrap_or(i64::MAX);
    if busy_hours.saturating_mul(SPARSE_ONE_IN) < hours {
        let longest = second_highest(gaps.map(|(from, until)| until.saturating_sub(from)));
        if hour_of(now).saturating_sub(next) <= longest {
            return None;
        }
    }
    Some(Silence {
        since: start_of(next),
        expected: expected.checked_div(MILLIONTHS).unwrap_or_default(),
        history,
    })
}

impl Rates {
    /// Of the hours from the first of the past until `last`.
    fn of(past: &[(Hour, i64)], last: Hour) -> Option<Self> {
        let first = past.first()?.0;
        let hours = last.saturating_sub(first).saturating_add(1);
        let cycle = if hours >= WEEKLY_FROM_HOURS { HOURS_PER_WEEK } else { HOURS_PER_DAY };
        let mut rates = vec![0_i64; usize::try_from(cycle).ok()?];
        for (hour, count) in past {
            if let Some(rate) = rates.get_mut(place(*hour, cycle)) {
                *rate = rate.saturating_add(count.saturating_mul(MILLIONTHS));
            }
        }
        // How often each place was there: the whole cycles, and once more for those at the beginning.
        let whole = hours.checked_div(cycle)?;
        let more = hours.checked_rem(cycle)?;
        for offset in 0..cycle {
            let times = if offset < more { whole.saturating_add(1) } else { whole };
            if let Some(rate) = rates.get_mut(place(first.saturating_add(offset), cycle)) {
                *rate = rate.checked_div(times).unwrap_or_default();
            }
        }
        Some(Self { cycle, rates })
    }

    fn rate(&self, hour: Hour) -> i64 {
        self.rates.get(place(hour, self.cycle)).copied().unwrap_or_default()
    }

    /// Millionths of postbacks from the start of an hour until a moment.
    fn expected(&self, from: Hour, until: Timestamp) -> i64 {
        let running = hour_of(until);
        if from > running {
            return 0;
        }
        let whole = (from..running).fold(0_i64, |sum, hour| sum.saturating_add(self.rate(hour)));
        let elapsed = until.micros_since(start_of(running)).clamp(0, MICROS_PER_HOUR);
        whole.saturating_add(scaled(self.rate(running), (elapsed, MICROS_PER_HOUR)))
    }

    /// What came in some hours, and what the rates say of them; the first is never more.
    fn level(&self, past: &[(Hour, i64)], from: Hour, until: Hour) -> (i64, i64) {
        let came = past.iter().filter(|(hour, _)| (from..until).contains(hour));
        let came = came.fold(0_i64, |sum, (_, count)| sum.saturating_add(*count)).saturating_mul(MILLIONTHS);
        let usual = self.expected(from, start_of(until));
        (came.min(usual), usual)
    }
}

fn second_highest(values: impl Iterator<Item = i64>) -> i64 {
    let (_, second) =
        values.fold(
            (0, 0),
            |(highest, second), value: i64| {
                if value > highest { (value, highest) } else { (highest, second.max(value)) }
            },
        );
    second
}

fn place(hour: Hour, cycle: i64) -> usize {
    usize::try_from(hour.checked_rem_euclid(cycle).unwrap_or_default()).unwrap_or_default()
}

fn scaled(value: i64, (part, whole): (i64, i64)) -> i64 {
    let product = i128::from(value).saturating_mul(i128::from(part));
    i64::try_from(product.checked_div(i128::from(whole)).unwrap_or_default()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Hour = 490_000;

    /// So many an hour for so many hours.
    fn steady(hours: i64, count: i64) -> Vec<(Hour, i64)> {
        (0..hours).map(|hour| (START + hour, count)).collect()
    }

    fn at(hour: Hour, minutes: i64) -> Timestamp {
        start_of(hour).saturating_add_seconds(minutes * 60)
    }

    #[test]
    fn fourteen_that_did_not_come_are_an_alarm_and_thirteen_are_not() {
        let past = steady(14 * 24, 28);
        let last = START + 14 * 24 - 1;
        assert_eq!(silence(&past, last, at(last + 1, 29)), None);
        let found = silence(&past, last, at(last + 1, 30)).unwrap();
        assert_eq!((found.since, found.expected), (start_of(last + 1), 14));
        assert_eq!(found.history, 14 * 24 * 28);
    }

    #[test]
    fn a_young_or_rare_event_never_is() {
        let young = steady(71, 1_000);
        assert_eq!(silence(&young, START + 70, at(START + 400, 0)), None);
        let rare: Vec<_> = (0..9).map(|day| (START + day * 72, 11)).collect();
        assert_eq!(silence(&rare, START + 8 * 72, at(START + 27 * 24, 0)), None, "99 postbacks");
        assert_eq!(silence(&[], START, at(START + 1_000, 0)), None);
    }

    #[test]
    fn nights_and_weekends_are_quiet_by_themselves() {
        // 40 an hour from 8 to 20 o'clock, from Monday to Friday, for three weeks. Hour 0 of 1970 was a Thursday.
        let monday = (START / 168) * 168 + 4 * 24;
        let busy = |hour: Hour| {
            let of_week = (hour - monday).rem_euclid(168);
            of_week < 5 * 24 && (8..20).contains(&(of_week % 24))
        };
        let past: Vec<_> =
            (monday..monday + 21 * 24).filter(|hour| busy(*hour)).map(|hour| (hour, 40)).collect();
        let last = past.last().unwrap().0;
        let next_monday = monday + 21 * 24;
        assert_eq!(silence(&past, last, at(next_monday + 8, 20)), None, "a weekend, and 20 minutes");
        assert!(silence(&past, last, at(next_monday + 8, 22)).is_some(), "but not a Monday morning");
    }

    #[test]
    fn what_has_faded_is_expected_as_it_was_last() {
        let mut past = steady(20 * 24, 100);
        let fading = START + 20 * 24;
        past.extend((0..24).map(|hour| (fading + hour, 2)));
        let last = fading + 23;
        assert_eq!(silence(&past, last, at(last + 6, 0)), None, "ten, at two an hour");
        assert!(silence(&past, last, at(last + 9, 0)).is_some());
    }

    #[test]
    fn what_comes_in_bursts_may_stay_away_as_long_as_it_did_before() {
        // 50 at once, every second day at another hour.
        let past: Vec<_> = (0..14).map(|time: i64| (START + time * 48 + (time * 7) % 24, 50)).collect();
        let last = past.last().unwrap().0;
        let longest = past.windows(2).map(|pair| pair[1].0 - pair[0].0).max().unwrap();
        for hours in 1..longest - 7 {
            assert_eq!(silence(&past, last, at(last + hours, 0)), None, "{hours} hours");
        }
        assert!(silence(&past, last, at(last + 5 * longest, 0)).is_some());
    }

    #[test]
    fn one_outage_of_the_past_excuses_no_other() {
        let mut past = steady(20 * 24, 30);
        past.retain(|(hour, _)| !(START + 200..START + 248).contains(hour));
        let last = START + 20 * 24 - 1;
        assert!(silence(&past, last, at(last + 2, 0)).is_some());
    }

    proptest! {
        /// The longer it lasts, the surer: an alarm never goes away by waiting, within the past that is looked at.
        #[test]
        fn silence_only_grows(
            counts in prop::collection::vec(0_i64..60, 80..400),
            waits in prop::collection::vec(1_i64..3_000, 2..6),
        ) {
            let past: Vec<_> = (START..).zip(&counts).map(|(hour, count)| (hour, *count)).filter(|(_, count)| *count > 0).collect();
            prop_assume!(!past.is_empty());
            let last = past.last().unwrap().0;
            let mut waits = waits;
            waits.sort_unstable();
            let mut before = 0;
            for wait in waits {
                let found = silence(&past, last, at(last + 1, wait)).map_or(0, |found| found.expected);
                prop_assert!(found >= before, "{found} after {before}");
                before = found;
            }
        }

        /// Never without enough of a past, whatever it is.
        #[test]
        fn nothing_is_said_of_less_than_three_days_or_a_hundred(
            counts in prop::collection::vec((0_i64..71, 1_i64..10_000), 0..40),
            wait in 0_i64..600,
        ) {
            let mut past: Vec<_> = counts.into_iter().map(|(hour, count)| (START + hour, count)).collect();
            past.sort_unstable();
            past.dedup_by_key(|(hour, _)| *hour);
            let last = past.last().map_or(START, |(hour, _)| *hour);
            prop_assert_eq!(silence(&past, last, at(last + wait, 0)), None);
        }

        /// Any numbers are taken.
        #[test]
        fn no_number_is_too_large(counts in prop::collection::vec(0..i64::MAX, 1..200), wait in 0_i64..2_000) {
            let past: Vec<_> = (START..).zip(counts).collect();
            let last = past.last().unwrap().0;
            let _any = silence(&past, last, at(last + wait, 0));
        }
    }
}
