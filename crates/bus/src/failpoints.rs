//! The named stops of this crate, for tests that kill a process at a chosen moment. README.md lists them.
//!
//! Besides what the `fail` crate offers (`pause`, `sleep`, `panic`, …) the action `return` ends the process on the spot,
//! as SIGKILL does: no destructors, no goodbye to the broker.

use fail::fail_point;

/// A group is about to be published.
pub(crate) fn before_publish() {
    fail_point!("bus::before_publish", |_action| std::process::abort());
}

/// The broker has confirmed; nobody has been told.
pub(crate) fn confirmed() {
    fail_point!("bus::confirmed", |_action| std::process::abort());
}

/// The spool's disk has it; nobody has been told.
pub(crate) fn spooled() {
    fail_point!("bus::spooled", |_action| std::process::abort());
}

/// The handler has committed; the broker has not been told.
pub(crate) fn before_ack() {
    fail_point!("bus::before_ack", |_action| std::process::abort());
}
