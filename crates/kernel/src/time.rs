//! Time as a value. The rules read stamps; only the edge of a process reads a clock.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

const MICROS_PER_MILLI: i64 = 1_000;
const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// A moment: microseconds since 1970-01-01T00:00:00Z. PostgreSQL's `timestamptz` holds exactly this.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `micros` microseconds after 1970 began.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970 began.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since 1970 began, rounded towards the past.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(MICROS_PER_MILLI)
    }

    /// This moment plus a number of microseconds, held at the ends of time.
    #[must_use]
    pub const fn saturating_add_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// This moment plus whole seconds, held at the ends of time.
    #[must_use]
    pub const fn saturating_add_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(MICROS_PER_SECOND)))
    }

    /// This moment plus `days` times 24 hours, held at the ends of time.
    #[must_use]
    pub fn saturating_add_days(self, days: Days) -> Self {
        Self(self.0.saturating_add(i64::from(days.0).saturating_mul(MICROS_PER_DAY)))
    }

    /// Microseconds from `earlier` to this moment; negative when `earlier` is later.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Timestamp({}µs)", self.0)
    }
}

/// A number of whole days of 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Days(pub u16);

/// A half-open stretch of time: `from` belongs to it, `until` does not. An absent end is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeWindow {
    /// First moment inside.
    pub from: Timestamp,
    /// First moment after, when there is one.
    pub until: Option<Timestamp>,
}

impl TimeWindow {
    /// Whether `moment` lies inside.
    #[must_use]
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.from <= moment && self.until.is_none_or(|until| moment < until)
    }
}

/// Where a process takes the time from. The real one is `process::SystemClock`.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// Where a process takes new ids and random bytes from. The real one is `process::SystemIds`.
pub trait IdSource: Send + Sync {
    /// A fresh `UUIDv7`.
    fn uuid_v7(&self) -> Uuid;

    /// Fills `bytes` with unpredictable bytes.
    fn fill_random(&self, bytes: &mut [u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_its_start_and_not_its_end() {
        let window = TimeWindow { from: Timestamp::from_micros(10), until: Some(Timestamp::from_micros(20)) };
        assert!(window.contains(Timestamp::from_micros(10)));
        assert!(!window.contains(Timestamp::from_micros(20)));
    }

    #[test]
    fn milliseconds_round_towards_the_past() {
        assert_eq!(Timestamp::from_micros(-1).as_millis(), -1);
        assert_eq!(Timestamp::from_micros(1_999).as_millis(), 1);
    }

    #[test]
    fn time_never_wraps() {
        assert_eq!(
            Timestamp::from_micros(i64::MAX).saturating_add_days(Days(365)),
            Timestamp::from_micros(i64::MAX)
        );
    }
}
