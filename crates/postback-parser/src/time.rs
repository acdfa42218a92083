//! Times in every shape AppsFlyer has been seen to send. Without a zone they are UTC.

use chrono::{NaiveDate, NaiveDateTime};
use kernel::Timestamp;

const MICROS_PER_SECOND: i64 = 1_000_000;
/// From here on a bare number counts milliseconds: as seconds it would lie in the year 5138.
const FIRST_MILLIS: i64 = 100_000_000_000;
/// From here on a bare number counts microseconds.
const FIRST_MICROS: i64 = 100_000_000_000_000;
/// 1 January 2000: what claims to be earlier is a zero, or a device whose clock was never set.
const FIRST_SECOND: i64 = 946_684_800;
/// 1 January 2200: what claims to be later is no time but a mistake.
const LAST_SECOND: i64 = 7_258_118_400;

/// Reads `2018-09-26 20:13:55`, `2023-11-03T00:49:04.897Z`, `2018-09-27 04:13:55.000+0800` (also when the `+` was
/// decoded to a space), `11/19/2016 8:32:12 PM`, and UNIX seconds, milliseconds or microseconds.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = crate::text::unquote(text);
    let micros = unix(text).or_else(|| calendar(text))?;
    let in_range = (FIRST_SECOND..LAST_SECOND).contains(&micros.div_euclid(MICROS_PER_SECOND));
    in_range.then_some(Timestamp::from_micros(micros))
}

fn unix(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    if number >= FIRST_MICROS {
        Some(number)
    } else if number >= FIRST_MILLIS {
        number.checked_mul(1_000)
    } else {
        number.checked_mul(MICROS_PER_SECOND)?.checked_add(micros_of_fraction(fraction)?)
    }
}

fn calendar(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once([' ', 'T', 't'])?;
    let date = if date.contains('/') { american_date(date)? } else { iso_date(date)? };
    let rest = rest.trim_start();
    let clock_end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != ':' && letter != '.');
    let (clock, tail) = clock_end.map_or((rest, ""), |end| rest.split_at_checked(end).unwrap_or((rest, "")));
    let (half, zone) = half_of_day(tail);
    let at = time_of_day(date, clock, half)?;
    let offset = offset_seconds(zone)?.checked_mul(MICROS_PER_SECOND)?;
    at.and_utc().timestamp_micros().checked_sub(offset)
}

fn iso_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    NaiveDate::from_ymd_opt(number(year)?.try_into().ok()?, number(month)?, number(day)?)
}

fn american_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    NaiveDate::from_ymd_opt(number(year)?.try_into().ok()?, number(month)?, number(day)?)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Morning,
    Afternoon,
}

fn half_of_day(tail: &str) -> (Option<Half>, &str) {
    let trimmed = tail.trim_start();
    let is = |word: &str| trimmed.get(..2).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let after = trimmed.get(2..).unwrap_or("");
    if is("pm") {
        (Some(Half::Afternoon), after)
    } else if is("am") {
        (Some(Half::Morning), after)
    } else {
        (None, tail)
    }
}

fn time_of_day(date: NaiveDate, clock: &str, half: Option<Half>) -> Option<NaiveDateTime> {
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    if parts.next().is_some() {
        return None;
    }
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    let hour = match (number(hour)?, half) {
        (12, Some(Half::Morning)) => 0,
        (12, Some(Half::Afternoon)) => 12,
        (hour, None) | (hour @ 1..=11, Some(Half::Morning)) => hour,
        (hour @ 1..=11, Some(Half::Afternoon)) => hour.checked_add(12)?,
        (_, Some(_)) => return None,
    };
    let micros = u32::try_from(micros_of_fraction(fraction)?).ok()?;
    date.and_hms_micro_opt(hour, number(minute)?, number(second)?, micros)
}

/// Seconds east of UTC: `+0800`, `+08:00`, `-5`, `Z`, `UTC`, nothing. A space where the sign should be was a `+`.
fn offset_seconds(zone: &str) -> Option<i64> {
    let name = zone.trim();
    if name.is_empty() || ["z", "utc", "gmt"].iter().any(|utc| name.eq_ignore_ascii_case(utc)) {
        return Some(0);
    }
    let (east, digits) = match (name.strip_prefix('-'), name.strip_prefix('+')) {
        (Some(digits), _) => (false, digits),
        (None, Some(digits)) => (true, digits),
        (None, None) if zone.starts_with(' ') => (true, name),
        (None, None) => return None,
    };
    let digits: String = digits.chars().filter(|letter| *letter != ':').collect();
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.as_str(), "0"),
        4 => digits.split_at_checked(2)?,
        _ => return None,
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours).checked_mul(3_600)?.checked_add(i64::from(minutes).checked_mul(60)?)?;
    if east { Some(seconds) } else { seconds.checked_neg() }
}

fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// The micros of the digits after a point; digits after the sixth are cut.
fn micros_of_fraction(digits: &str) -> Option<i64> {
    let kept = digits.split_at_checked(6).map_or(digits, |(kept, _cut)| kept);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{kept:0<6}").parse().ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2018-09-26 20:13:55", 1_537_992_835_000_000)]
    #[case("2018-09-26T20:13:55Z", 1_537_992_835_000_000)]
    #[case("2018-09-27 04:13:55.000+0800", 1_537_992_835_000_000)]
    #[case("2018-09-27 04:13:55.000 0800", 1_537_992_835_000_000)]
    #[case("2018-09-27 04:13:55 +08:00", 1_537_992_835_000_000)]
    #[case("2018-09-26 15:13:55-5", 1_537_992_835_000_000)]
    #[case("2018-09-26 20:13:55 UTC", 1_537_992_835_000_000)]
    #[case("9/26/2018 8:13:55 PM", 1_537_992_835_000_000)]
    #[case("\"2018-09-26 20:13:55\"", 1_537_992_835_000_000)]
    #[case("1537992835", 1_537_992_835_000_000)]
    #[case("1537992835123", 1_537_992_835_123_000)]
    #[case("1537992835123456", 1_537_992_835_123_456)]
    #[case("1537992835.5", 1_537_992_835_500_000)]
    #[case("2023-11-03 00:49:04.897", 1_698_972_544_897_000)]
    #[case("11/19/2016 12:00:00 AM", 1_479_513_600_000_000)]
    fn times(#[case] text: &str, #[case] micros: i64) {
        assert_eq!(parse(text), Some(Timestamp::from_micros(micros)), "{text}");
    }

    #[rstest]
    #[case("yesterday")]
    #[case("0")]
    #[case("1970-01-01 00:00:00")]
    #[case("2018-09-26")]
    #[case("2018-13-26 20:13:55")]
    #[case("2018-09-26 25:13:55")]
    #[case("2018-09-26 20:13:55 +9900")]
    #[case("9999-01-01 00:00:00")]
    #[case("-5")]
    #[case("999999999999999999999999")]
    #[case("13/01/2018 13:00:00 PM")]
    fn no_times(#[case] text: &str) {
        assert_eq!(parse(text), None, "{text}");
    }
}
