//! What attribution hears, and how what it says leaves.

mod on_catalog;
mod on_clicks;
mod on_postbacks;
mod outbox_sink;
mod topology;

use bus::HandleError;
use postgres_kit::{DbError, sqlstate::Class};
use telemetry::chain;

pub use on_catalog::OnCatalog;
pub use on_clicks::OnClicks;
pub use on_postbacks::OnPostbacks;
pub use outbox_sink::OutboxSink;
pub use topology::topology;

use crate::flows::FlowError;

/// Whether the items are at fault or something they need is away.
fn outcome(error: &FlowError) -> HandleError {
    match error {
        FlowError::Unreadable(_) => HandleError::Poison(chain(error)),
        FlowError::Store(failure) => by_class(failure, chain(error)),
    }
}

fn by_class(failure: &DbError, text: String) -> HandleError {
    match failure.class() {
        Class::Retry | Class::Pause => HandleError::Pause(text),
        Class::Bug => HandleError::Poison(text),
    }
}
