//! Moments: RFC 3339, or a day, which begins at midnight UTC. Times without a zone are UTC.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, SecondsFormat, Timelike as _, Utc};
use kernel::Timestamp;

use super::{Field, Reader};
use crate::flows::When;

/// Years that RFC 3339 can write. PostgreSQL knows fewer than our calendar, and nobody means the others.
const YEARS: RangeInclusive<i32> = 0..=9_999;

impl Reader {
    /// A moment.
    pub fn moment(&mut self, name: &str, field: Field) -> Option<Timestamp> {
        let text = self.text(name, field, 100)?;
        let moment = parse(&text);
        if moment.is_none() {
            self.wrong(
                name,
                format!(
                    "must be a time such as 2026-12-01T00:00:00Z or a day such as 2026-12-01, is `{text}`"
                ),
            );
        }
        moment
    }
}

impl Reader {
    /// A full hour: a moment when it has an offset, else what clocks of the tenant's time zone show.
    pub fn hour(&mut self, name: &str, field: Field) -> Option<When> {
        let text = self.text(name, field, 100)?;
        let zoned = DateTime::parse_from_rfc3339(&text).ok();
        let plain = || {
            let formats = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];
            formats.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
        };
        // A full hour where it was said: there are zones that are half an hour off.
        let (clock, when) = if let Some(zoned) = zoned {
            (zoned.time(), When::Moment(Timestamp::from_micros(zoned.timestamp_micros())))
        } else if let Some(plain) = plain() {
            (plain.time(), When::Local(plain))
        } else {
            self.wrong(
                name,
                format!(
                    "must be an hour such as 2026-12-24T09:00:00-05:00, or 2026-12-24T09:00 in the tenant's time zone, \
                     is `{text}`"
                ),
            );
            return None;
        };
        if (clock.minute(), clock.second(), clock.nanosecond()) != (0, 0, 0) {
            self.wrong(name, format!("must be a full hour such as 2026-12-24T09:00, is `{text}`"));
            return None;
        }
        Some(when)
    }
}

/// A moment, or a day.
pub fn parse(text: &str) -> Option<Timestamp> {
    let zoned = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
    let plain = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok().map(|time| time.and_utc());
    let day = || Some(text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc());
    let time = zoned().or_else(plain).or_else(day).filter(|time| YEARS.contains(&time.year()))?;
    Some(Timestamp::from_micros(time.timestamp_micros()))
}

/// A moment as it is written: RFC 3339, UTC.
pub fn written(moment: Timestamp) -> String {
    DateTime::<Utc>::from_timestamp_micros(moment.as_micros())
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
