//! Calendar months of a zone, one after the other without gap or overlap, whatever clocks and zones do.

use std::fmt;

use chrono::{DateTime, Datelike as _, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use kernel::Timestamp;

/// Where a clock is put forward over midnight, the day begins later: looked for in these steps.
const STEP_MINUTES: i64 = 15;
/// No zone has ever left out more than a day.
const STEPS_MAX: i64 = 26 * 60 / STEP_MINUTES;

/// A calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(NaiveDate);

impl Month {
    /// The month of a day.
    #[must_use]
    pub fn of_day(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// The month that `moment` lies in, by the calendar of `zone`. Where a clock is put back over midnight of the first, the
    /// month begins with the second midnight: the hour that comes twice belongs to the month before.
    #[must_use]
    pub fn of(moment: Timestamp, zone: Tz) -> Self {
        let month = Self::of_day(day_of(moment, zone));
        if moment < month.begins_at(zone) { month.before() } else { month }
    }

    /// Reads `2026-11`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if year.len() != 4 || month.len() != 2 || !all_digits(year) || !all_digits(month) {
            return None;
        }
        NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1).map(Self)
    }

    /// Its first day.
    #[must_use]
    pub const fn first_day(self) -> NaiveDate {
        self.0
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }

    /// The month before it.
    fn before(self) -> Self {
        Self(self.0.checked_sub_months(Months::new(1)).unwrap_or(self.0))
    }

    /// The moment at which it begins in `zone`: from there on it is its first day, or later.
    fn begins_at(self, zone: Tz) -> Timestamp {
        day_begins_at(self.0, zone)
    }
}

/// The moment at which a day begins in `zone`. One that the zone leaves out begins with the day after it; where a clock is put
/// back over midnight, the hour that comes twice belongs to the day before.
#[must_use]
pub fn day_begins_at(day: NaiveDate, zone: Tz) -> Timestamp {
    let midnight = day.and_time(NaiveTime::MIN);
    let first = (0..STEPS_MAX).find_map(|step| {
        let step = TimeDelta::minutes(step.saturating_mul(STEP_MINUTES));
        zone.from_local_datetime(&midnight.checked_add_signed(step)?).latest()
    });
    let micros = first.map_or_else(|| midnight.and_utc().timestamp_micros(), |at| at.timestamp_micros());
    Timestamp::from_micros(micros)
}

impl fmt::Display for Month {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.format("%Y-%m"))
    }
}

/// A month as it was fixed when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Which.
    pub month: Month,
    /// The zone it was made in.
    pub zone: Tz,
    /// Its first moment.
    pub begins_at: Timestamp,
    /// The first moment after it.
    pub ends_at: Timestamp,
}

/// The period to make for `moment`, when the tenant's newest one is `last` and no open one holds `moment`.
///
/// It follows `last`: a zone that changed in between moves no boundary that is fixed already, so no moment is in two
/// periods. When `moment` lies before the end of `last` (all up to there is closed), it is the month after `last`.
#[must_use]
pub fn next_period(last: Option<Period>, zone: Tz, moment: Timestamp) -> Period {
    let natural = Month::of(moment, zone);
    let (month, begins_at) = match last {
        None => (natural, natural.begins_at(zone)),
        Some(last) if natural <= last.month.next() => (last.month.next(), last.ends_at),
        Some(last) => (natural, natural.begins_at(zone).max(last.ends_at)),
    };
    Period { month, zone, begins_at, ends_at: month.next().begins_at(zone) }
}

/// The day that `moment` lies in, as [`day_begins_at`] divides them.
#[must_use]
pub fn day_at(moment: Timestamp, zone: Tz) -> NaiveDate {
    let day = day_of(moment, zone);
    if moment < day_begins_at(day, zone) { day.pred_opt().unwrap_or(day) } else { day }
}

/// A moment beyond the calendar is as good as its end.
fn day_of(moment: Timestamp, zone: Tz) -> NaiveDate {
    let end = if moment.as_micros() < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    let moment = DateTime::from_timestamp_micros(moment.as_micros()).unwrap_or(end);
    let offset = chrono::Offset::fix(&zone.offset_from_utc_datetime(&moment.naive_utc()));
    moment.naive_utc().checked_add_offset(offset).unwrap_or_else(|| moment.naive_utc()).date()
}

#[cfg(test)]
mod tests {
    use chrono_tz::{
        Africa::Cairo,
        America::{New_York, Sao_Paulo, St_Johns},
        Asia::{Kathmandu, Tokyo},
        Australia::Lord_Howe,
        Europe::Berlin,
        UTC,
    };
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<DateTime<Utc>>().unwrap().timestamp_micros())
    }

    fn month(text: &str) -> Month {
        Month::parse(text).unwrap()
    }

    #[rstest]
    // Summer time ends within October, begins within March: the month is an hour longer, or shorter.
    #[case::october_in_berlin(
        Berlin,
        "2026-10-15T00:00:00Z",
        "2026-10",
        "2026-09-30T22:00:00Z",
        "2026-10-31T23:00:00Z"
    )]
    #[case::march_in_berlin(
        Berlin,
        "2026-03-15T00:00:00Z",
        "2026-03",
        "2026-02-28T23:00:00Z",
        "2026-03-31T22:00:00Z"
    )]
    #[case::last_moment(
        Berlin,
        "2026-10-31T22:59:59.999999Z",
        "2026-10",
        "2026-09-30T22:00:00Z",
        "2026-10-31T23:00:00Z"
    )]
    #[case::first_moment(
        Berlin,
        "2026-10-31T23:00:00Z",
        "2026-11",
        "2026-10-31T23:00:00Z",
        "2026-11-30T23:00:00Z"
    )]
    // Clocks are put back on the first of November, after midnight.
    #[case::november_in_new_york(
        New_York,
        "2026-11-01T04:00:00Z",
        "2026-11",
        "2026-11-01T04:00:00Z",
        "2026-12-01T05:00:00Z"
    )]
    #[case::quarters_of_an_hour(
        Kathmandu,
        "2026-11-30T18:15:00Z",
        "2026-12",
        "2026-11-30T18:15:00Z",
        "2026-12-31T18:15:00Z"
    )]
    #[case::leap_february(
        UTC,
        "2028-02-29T23:59:59Z",
        "2028-02",
        "2028-02-01T00:00:00Z",
        "2028-03-01T00:00:00Z"
    )]
    #[case::no_leap_day(
        UTC,
        "2100-02-28T23:59:59Z",
        "2100-02",
        "2100-02-01T00:00:00Z",
        "2100-03-01T00:00:00Z"
    )]
    fn a_period_is_a_month_of_its_zone(
        #[case] zone: Tz,
        #[case] moment: &str,
        #[case] name: &str,
        #[case] begins: &str,
        #[case] ends: &str,
    ) {
        let period = next_period(None, zone, at(moment));
        assert_eq!(period, Period { month: month(name), zone, begins_at: at(begins), ends_at: at(ends) });
    }

    #[test]
    fn a_midnight_that_comes_twice_is_in_the_month_before_until_the_second() {
        // Newfoundland put clocks back at 00:01 of 2009-11-01: midnight was at 02:30 and at 03:30 UTC.
        let october = next_period(None, St_Johns, at("2009-10-15T00:00:00Z"));
        assert_eq!(october.ends_at, at("2009-11-01T03:30:00Z"));
        for moment in ["2009-11-01T02:30:30Z", "2009-11-01T02:45:00Z"] {
            assert_eq!(next_period(None, St_Johns, at(moment)), october, "{moment}");
        }
        assert_eq!(next_period(None, St_Johns, october.ends_at).month, month("2009-11"));
    }

    #[test]
    fn a_month_whose_midnight_the_clock_leaves_out_begins_after_it() {
        // Egypt put clocks forward at midnight of 2014-08-01: the first moment is 01:00, which is 22:00 UTC.
        assert_eq!(month("2014-08").begins_at(Cairo), at("2014-07-31T22:00:00Z"));
        // Brazil at midnight, on another day: months are not touched.
        assert_eq!(month("2018-11").begins_at(Sao_Paulo), at("2018-11-01T03:00:00Z"));
    }

    #[rstest]
    // New York is behind Berlin: when the Berlin month ended, it is still November there.
    #[case::to_the_west(New_York, "2026-12-01T00:00:00Z", "2026-12", "2027-01-01T05:00:00Z")]
    #[case::to_the_east(Tokyo, "2026-12-01T00:00:00Z", "2026-12", "2026-12-31T15:00:00Z")]
    fn a_new_zone_moves_no_boundary_that_is_fixed(
        #[case] zone: Tz,
        #[case] moment: &str,
        #[case] name: &str,
        #[case] ends: &str,
    ) {
        let november = next_period(None, Berlin, at("2026-11-15T00:00:00Z"));
        let next = next_period(Some(november), zone, at(moment));
        assert_eq!((next.month, next.begins_at, next.ends_at), (month(name), november.ends_at, at(ends)));
    }

    #[test]
    fn months_without_transfers_have_no_period_and_late_ones_land_in_the_next() {
        let january = next_period(None, UTC, at("2026-01-15T00:00:00Z"));
        let april = next_period(Some(january), UTC, at("2026-04-03T00:00:00Z"));
        assert_eq!((april.month, april.begins_at), (month("2026-04"), at("2026-04-01T00:00:00Z")));
        assert_eq!(next_period(Some(january), UTC, at("2026-01-20T00:00:00Z")).month, month("2026-02"));
    }

    #[rstest]
    #[case("2026-13")]
    #[case("2026-1")]
    #[case("26-01")]
    #[case("+026-01")]
    #[case("2026-01-01")]
    #[case("")]
    fn what_is_no_month_is_none(#[case] text: &str) {
        assert_eq!(Month::parse(text), None);
    }

    proptest! {
        #[test]
        fn every_moment_is_in_one_period_and_the_next_begins_where_it_ends(
            micros in 0_i64..4_000_000_000_000_000,
            zone in prop::sample::select(vec![Berlin, New_York, Sao_Paulo, St_Johns, Lord_Howe, Cairo, Kathmandu, UTC]),
            other in prop::sample::select(vec![Berlin, New_York, Tokyo, UTC]),
            later in 0_i64..90 * 86_400_000_000,
        ) {
            let moment = Timestamp::from_micros(micros);
            let period = next_period(None, zone, moment);
            prop_assert!(period.begins_at <= moment && moment < period.ends_at);
            let last = period.ends_at.saturating_add_micros(-1);
            prop_assert_eq!(next_period(None, zone, last), period, "its last moment belongs to it");
            prop_assert_eq!(next_period(None, zone, period.ends_at).begins_at, period.ends_at);
            let after = period.ends_at.saturating_add_micros(later);
            let next = next_period(Some(period), other, after);
            prop_assert!(period.ends_at <= next.begins_at && next.begins_at <= after && after < next.ends_at);
            prop_assert!(next.month > period.month);
        }
    }
}
