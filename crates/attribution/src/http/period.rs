//! What lists have in common: codes by name, and the period.

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use http_kit::Problem;
use kernel::Timestamp;

use crate::domain::Code;

/// How far back a list goes when the caller does not say.
pub(super) const DAY_SECONDS: i64 = 86_400;

/// From when until when; until now when the caller does not say, and from `back_seconds` before that, or of all time when none
/// is given.
pub(super) fn period(
    now: Timestamp,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    back_seconds: Option<i64>,
) -> Result<(Timestamp, Timestamp), Problem> {
    let moment = |time: DateTime<Utc>| Timestamp::from_micros(time.timestamp_micros());
    let until = until.map_or_else(|| now.saturating_add_seconds(1), moment);
    let start = back_seconds
        .map_or(Timestamp::from_micros(0), |back| until.saturating_add_seconds(back.saturating_neg()));
    let from = from.map_or(start, moment);
    if until <= from {
        return Err(contradiction());
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

/// 422: each can be read, and together they say nothing.
pub(super) fn contradiction() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_query", "the period ends before it begins")
        .field("received_until", "must be later than received_from")
}

/// A query parameter that is not acceptable.
pub(super) fn wrong(field: &'static str, detail: String) -> Problem {
    Problem::bad_request("invalid_query", "a query parameter is not acceptable").field(field, detail)
}
