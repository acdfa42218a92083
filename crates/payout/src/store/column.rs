//! Values on their way into and out of columns.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use kernel::{Currency, Micros, Money, Timestamp};

/// A `timestamptz`.
pub(super) type Moment = DateTime<Utc>;

/// One column of many rows, as `unnest` takes it.
pub(super) fn column<'r, R, T>(rows: &'r [R], pick: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(pick).collect()
}

/// A moment beyond the calendar is as good as its end.
pub(super) fn to_sql(moment: Timestamp) -> Moment {
    let end = if moment.as_micros() < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_micros(moment.as_micros()).unwrap_or(end)
}

pub(super) const fn from_sql(moment: Moment) -> Timestamp {
    Timestamp::from_micros(moment.timestamp_micros())
}

/// A revision counts changes of one row: it does not leave `bigint`.
pub(super) fn revision_to_sql(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

pub(super) fn revision_from_sql(revision: i64) -> u64 {
    u64::try_from(revision).unwrap_or_default()
}

/// The columns of an amount that may be absent.
pub(super) fn money_from_sql(
    micros: Option<i64>,
    currency: Option<&str>,
) -> Result<Option<Money>, diesel::result::Error> {
    let (Some(micros), Some(code)) = (micros, currency) else { return Ok(None) };
    Ok(Some(Money::new(Micros(micros), currency_from_sql(code)?)))
}

pub(super) fn currency_from_sql(code: &str) -> Result<Currency, diesel::result::Error> {
    code.parse().map_err(|_not_one| unreadable("currency", code))
}

pub(super) fn zone_from_sql(name: &str) -> Result<Tz, diesel::result::Error> {
    name.parse().map_err(|_not_one| unreadable("time_zone", name))
}

/// A sum of micros. Beyond the column it is an error and not another sum.
pub(super) fn sum_to_sql(sum: i128) -> Result<i64, diesel::result::Error> {
    i64::try_from(sum).map_err(|_too_large| unreadable("micros", &sum.to_string()))
}

/// A value that this release does not know, by its column.
pub(super) fn unreadable(column: &str, value: &str) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(
        format!("column {column} holds the unknown value {value:?}").into(),
    )
}
