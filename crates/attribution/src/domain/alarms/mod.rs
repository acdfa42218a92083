//! When somebody should look at an event of an offer, by what its own past makes likely. Whole numbers only.
//!
//! Two models. **Silence**: how many postbacks its past would have brought since the last one; nothing at all instead is as
//! unlikely as e to the minus that ([`silence`]). **Shares**: how many of the last hours' postbacks have codes of a kind,
//! beside how many had them in the week before ([`compare`]).

mod kind;
mod look;
mod share;
mod silence;

pub use kind::{AlarmKind, Cleared};
pub use look::{AlarmChange, Finding, OpenAlarm, Past, Recent, Subject, Tally, look};
pub use share::{Comparison, Share, compare};
pub use silence::{Silence, silence};

/// Days of an event's past that are looked at: four of each hour of the week.
pub const HISTORY_DAYS: i64 = 28;
/// Days that say what share is usual: a whole week, for Sundays differ.
pub const USUAL_DAYS: i64 = 7;
/// Complete hours beside the one that runs in which shares are counted: enough for numbers, few enough to be sudden.
pub const WINDOW_HOURS: i64 = 2;

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// An hour since 1970, UTC.
pub type Hour = i64;

/// The hour in which a moment lies.
#[must_use]
pub const fn hour_of(moment: kernel::Timestamp) -> Hour {
    moment.as_micros().div_euclid(MICROS_PER_HOUR)
}

/// Its first moment.
#[must_use]
pub const fn start_of(hour: Hour) -> kernel::Timestamp {
    kernel::Timestamp::from_micros(hour.saturating_mul(MICROS_PER_HOUR))
}
