//! What the look-out for alarms reads and writes.

mod hours;
mod rows;

pub use hours::{Wanted, forget, keep_hours, pasts, recent, take_turn};
pub use rows::{Listing, StoredAlarm, clear, count_open, list, open, raise};
