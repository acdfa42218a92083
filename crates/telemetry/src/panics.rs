//! A panic is a log event like any other: one JSON line with the place, not a stack over many lines of stderr.

use std::panic;

/// Replaces the hook that prints to stderr.
pub(crate) fn log_panics() {
    panic::set_hook(Box::new(|panicked| {
        let location = panicked.location().map(ToString::to_string).unwrap_or_default();
        let message = panicked.payload_as_str().unwrap_or("no message");
        tracing::error!(panic.location = location, panic.message = message, "a thread panicked");
    }));
}
