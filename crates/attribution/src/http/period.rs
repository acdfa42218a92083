//! What lists have in common: codes by name, and the period.

use chrono::{DateTime, Utc};
use http_kit::Problem;
use kernel::Timestamp;

use crate::domain::Code;

/// How far back a list goes when the caller does not say.
pub(super) const DAY_SECONDS: i64 = 86_400;

/// From when until when; from `back_seconds` ago until now when the caller does not say, of all time when none is given.
pub(super) fn period(
    now: Timestamp,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    back_seconds: Option<i64>,
) -> Result<(Timestamp, Timestamp), Problem> {
    let moment = |time: DateTime<Utc>| Timestamp::from_micros(time.timestamp_micros());
    let start = back_seconds
        .map_or(Timestamp::from_micros(0), |back| now.saturating_add_seconds(back.saturating_neg()));
    let from = from.map_or(start, moment);
    let until = until.map_or_else(|| now.saturating_add_seconds(1), moment);
    if until <= from {
        return Err(wrong("received_until", "must be later than received_from".to_owned()));
    }
    Ok((from, until))
}

/// Reads a code, of those that are allowed here.
pub(super) fn code(text: &str, allowed: &[Code]) -> Result<Code, Problem> {
    Code::parse(text).filter(|code| allowed.contains(code)).ok_or_else(|| {
        let known: Vec<&str> = allowed.iter().map(|code| code.as_str()).collect();
        wrong("code", format!("must be one of {}", known.join(", ")))
    })
}

/// A query parameter that is not acceptable.
pub(super) fn wrong(field: &'static str, detail: String) -> Problem {
    Problem::bad_request("invalid_query", "a query parameter is not acceptable").field(field, detail)
}
