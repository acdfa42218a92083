//! Between our microseconds and `timestamptz`.

use chrono::{DateTime, Utc};
use kernel::Timestamp;

/// The year 1: `chrono` goes further back than PostgreSQL does.
const EARLIEST_MICROS: i64 = -62_135_596_800_000_000;

/// For SQL. A moment beyond the calendar is as good as its end.
pub(crate) fn to_sql(moment: Timestamp) -> DateTime<Utc> {
    let micros = moment.as_micros().max(EARLIEST_MICROS);
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// From SQL.
pub(crate) fn from_sql(moment: DateTime<Utc>) -> Timestamp {
    Timestamp::from_micros(moment.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use chrono::Datelike as _;

    use super::*;

    #[test]
    fn no_moment_is_beyond_the_databases_calendar() {
        assert_eq!(to_sql(Timestamp::from_micros(i64::MIN)).year(), 1);
        assert_eq!(to_sql(Timestamp::from_micros(-1)).year(), 1969);
        assert_eq!(to_sql(Timestamp::from_micros(i64::MAX)), DateTime::<Utc>::MAX_UTC);
    }
}
