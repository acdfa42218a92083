//! The words of the tables: times, amounts, lists after commas.

use kernel::{Currency, Micros, Money, Timestamp};

use crate::domain::samples::{CLICKED, at};

const UNITS: [(&str, i64); 5] =
    [("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000)];

/// `1d2h`, `-30m`, `0`: microseconds.
pub(super) fn duration(text: &str) -> i64 {
    let (sign, mut rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    if rest == "0" {
        return 0;
    }
    let mut sum = 0;
    while !rest.is_empty() {
        let (digits, tail) = split_where(rest, |letter| !letter.is_ascii_digit());
        let (letters, tail) = split_where(tail, |letter| letter.is_ascii_digit());
        let count: i64 = digits.parse().unwrap_or_else(|_| panic!("{text:?} is no time"));
        let unit = UNITS.iter().find(|(name, _)| *name == letters);
        sum += count * unit.unwrap_or_else(|| panic!("{text:?} has no unit")).1;
        rest = tail;
    }
    sign * sum
}

fn split_where(text: &str, is_next: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_next).unwrap_or(text.len()))
}

/// A time, told from the click.
pub(super) fn time(text: &str) -> Timestamp {
    at(CLICKED).saturating_add_micros(duration(text))
}

pub(super) fn seconds(text: &str) -> i64 {
    duration(text) / 1_000_000
}

pub(super) fn micros(text: &str) -> Micros {
    Micros::parse_decimal(text).unwrap_or_else(|| panic!("{text:?} is no amount"))
}

pub(super) fn currency(text: &str) -> Currency {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no currency"))
}

/// `5 USD`, or `none`.
pub(super) fn money(text: &str) -> Option<Money> {
    let (amount, unit) = text.split_once(' ')?;
    Some(Money::new(micros(amount), currency(unit)))
}

/// `a b, c d, e`: what stands before the first comma, and what follows.
pub(super) fn parts(text: &str) -> (&str, Vec<&str>) {
    let mut parts = text.split(',').map(str::trim);
    (parts.next().unwrap_or_default(), parts.collect())
}

/// `once`, `id:a`, `at:90m`: the key of an occurrence.
pub(super) fn occurrence(text: &str) -> String {
    text.strip_prefix("at:").map_or_else(|| String::from(text), |at| format!("at:{}", time(at).as_millis()))
}
