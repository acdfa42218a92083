//! Days, weeks and months of UTC. A week begins on Monday. UTC has no daylight saving time: every day has 24 hours.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Utc};
use kernel::Timestamp;

/// A stretch of the calendar that a limit counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday.
    Week,
    /// From the first of a month to its last day.
    Month,
    /// From the beginning, for ever.
    AllTime,
}

impl Period {
    /// Every period.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::AllTime];

    /// The word in tables and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::AllTime => "all_time",
        }
    }

    /// The first day of the period that `moment` lies in. All time begins with 1970.
    #[must_use]
    pub fn begins(self, moment: Timestamp) -> NaiveDate {
        let day = date(moment);
        match self {
            Self::Day => day,
            Self::Week => day.week(chrono::Weekday::Mon).checked_first_day().unwrap_or(day),
            Self::Month => day.with_day(1).unwrap_or(day),
            Self::AllTime => NaiveDate::default(),
        }
    }

    /// The first moment after the period that `moment` lies in; `None` for all time.
    #[must_use]
    pub fn ends(self, moment: Timestamp) -> Option<Timestamp> {
        let first = self.begins(moment);
        let next = match self {
            Self::Day => first.succ_opt(),
            Self::Week => first.checked_add_days(chrono::Days::new(7)),
            Self::Month => first.checked_add_months(chrono::Months::new(1)),
            Self::AllTime => None,
        };
        next.map(midnight)
    }
}

/// The moment at which a day begins.
#[must_use]
pub(super) fn midnight(day: NaiveDate) -> Timestamp {
    Timestamp::from_micros(day.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
}

/// A moment beyond the calendar is as good as its end.
fn date(moment: Timestamp) -> NaiveDate {
    let end = if moment.as_micros() < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_micros(moment.as_micros()).unwrap_or(end).date_naive()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<DateTime<Utc>>().unwrap().timestamp_micros())
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[rstest]
    #[case::last_moment(
        "2026-12-06T23:59:59.999999Z",
        Period::Day,
        "2026-12-06",
        Some("2026-12-07T00:00:00Z")
    )]
    #[case::midnight("2026-12-07T00:00:00Z", Period::Day, "2026-12-07", Some("2026-12-08T00:00:00Z"))]
    #[case::sunday("2026-12-06T23:59:59.999999Z", Period::Week, "2026-11-30", Some("2026-12-07T00:00:00Z"))]
    #[case::monday("2026-12-07T00:00:00Z", Period::Week, "2026-12-07", Some("2026-12-14T00:00:00Z"))]
    #[case::week_over_new_year(
        "2027-01-01T12:00:00Z",
        Period::Week,
        "2026-12-28",
        Some("2027-01-04T00:00:00Z")
    )]
    #[case::last_of_month(
        "2026-01-31T23:59:59.999999Z",
        Period::Month,
        "2026-01-01",
        Some("2026-02-01T00:00:00Z")
    )]
    #[case::december("2026-12-31T12:00:00Z", Period::Month, "2026-12-01", Some("2027-01-01T00:00:00Z"))]
    #[case::leap_day("2028-02-29T23:59:59Z", Period::Day, "2028-02-29", Some("2028-03-01T00:00:00Z"))]
    #[case::leap_month("2028-02-29T23:59:59Z", Period::Month, "2028-02-01", Some("2028-03-01T00:00:00Z"))]
    #[case::no_leap_day("2100-02-28T23:59:59Z", Period::Day, "2100-02-28", Some("2100-03-01T00:00:00Z"))]
    // Berlin leaves summer time at 2026-10-25T01:00:00Z; UTC does not notice.
    #[case::clocks_change_elsewhere(
        "2026-10-25T23:59:59Z",
        Period::Day,
        "2026-10-25",
        Some("2026-10-26T00:00:00Z")
    )]
    #[case::before_1970("1969-12-31T23:59:59Z", Period::Day, "1969-12-31", Some("1970-01-01T00:00:00Z"))]
    #[case::always("2026-12-07T00:00:00Z", Period::AllTime, "1970-01-01", None)]
    fn periods_are_those_of_utc(
        #[case] moment: &str,
        #[case] period: Period,
        #[case] begins: &str,
        #[case] ends: Option<&str>,
    ) {
        assert_eq!(period.begins(at(moment)), day(begins));
        assert_eq!(period.ends(at(moment)), ends.map(at));
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_exactly_one_period(
            micros in -60_000_000_000_000_000_i64..200_000_000_000_000_000,
            which in 0_usize..3,
        ) {
            let (moment, period) = (Timestamp::from_micros(micros), Period::ALL[which]);
            let (begins, ends) = (midnight(period.begins(moment)), period.ends(moment).unwrap());
            prop_assert!(begins <= moment && moment < ends);
            let last = ends.saturating_add_micros(-1);
            prop_assert_eq!(period.begins(last), period.begins(moment), "its last moment belongs to it");
            prop_assert_eq!(midnight(period.begins(ends)), ends, "the next one begins where it ends");
        }

        #[test]
        fn no_moment_stops_the_calendar(micros: i64, which in 0_usize..4) {
            let moment = Timestamp::from_micros(micros);
            let period = Period::ALL[which];
            prop_assert!(period.begins(moment) <= date(moment) || period == Period::AllTime);
            prop_assert!(period.ends(moment).is_none_or(|ends| ends > midnight(period.begins(moment))));
        }
    }
}
