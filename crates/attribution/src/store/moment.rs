//! Between our microseconds and `timestamptz`.

use chrono::{DateTime, Utc};
use kernel::Timestamp;

/// For SQL. A moment beyond the calendar is as good as its end.
pub(crate) fn to_sql(moment: Timestamp) -> DateTime<Utc> {
    let end = if moment.as_micros() < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_micros(moment.as_micros()).unwrap_or(end)
}

/// From SQL.
pub(crate) fn from_sql(moment: DateTime<Utc>) -> Timestamp {
    Timestamp::from_micros(moment.timestamp_micros())
}
