//! Periods that a caller names.

use chrono::{DateTime, Datelike as _, Utc};
use http_kit::FieldError;
use kernel::Timestamp;

/// The years in which something can have happened: others are typing errors.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9999;

/// What to say of a period that ends before it begins.
pub(super) const BACKWARDS: &str = "must be later than from";

/// A half-open period; what is left out is open.
pub(super) type Period = (Option<Timestamp>, Option<Timestamp>);

/// Reads a period.
///
/// # Errors
/// The fields that are wrong.
pub(super) fn read(
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) -> Result<Period, Vec<FieldError>> {
    let mut wrong = Vec::new();
    for (field, moment) in [("from", from), ("to", until)] {
        if moment.is_some_and(|moment| !YEARS.contains(&moment.year())) {
            wrong.push(field_error(field, "must be a moment of the years 1970 to 9999"));
        }
    }
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        wrong.push(field_error("to", BACKWARDS));
    }
    let micros = |moment: DateTime<Utc>| Timestamp::from_micros(moment.timestamp_micros());
    if wrong.is_empty() { Ok((from.map(micros), until.map(micros))) } else { Err(wrong) }
}

fn field_error(field: &str, detail: &str) -> FieldError {
    FieldError { field: field.to_owned(), detail: detail.to_owned() }
}
