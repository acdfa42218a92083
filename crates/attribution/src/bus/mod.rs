//! What attribution hears, and how what it says leaves.

mod on_catalog;
mod on_clicks;
mod on_payout;
mod on_postbacks;
mod past_unreadable;

use bus::HandleError;
use hand_over::failure;
use postgres_kit::DbError;
use telemetry::chain;

pub use on_catalog::OnCatalog;
pub use on_clicks::OnClicks;
pub use on_payout::OnPayout;
pub use on_postbacks::OnPostbacks;

use crate::{flows::FlowError, store::is_unreadable_row};

/// Whether the items are at fault or something they need is away.
fn outcome(error: &FlowError) -> HandleError {
    match error {
        FlowError::Unreadable(_) => HandleError::Poison(chain(error)),
        FlowError::Store(refusal) => by_class(refusal, chain(error)),
    }
}

/// A stored row that can not be read is not the item's fault: a later release may have written it, during a deploy. The
/// item stays: mostly it was put aside before this is asked (`past_unreadable`), else it waits in its queue.
fn by_class(refusal: &DbError, text: String) -> HandleError {
    if is_unreadable_row(refusal) {
        tracing::error!(error = text, "a stored row can not be read; what needs it waits in its queue");
        return HandleError::Pause(text);
    }
    failure::by_class(refusal, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::inconsistent;

    #[test]
    fn a_row_that_can_not_be_read_buries_no_postback() {
        let failure = DbError::from(inconsistent("journey_postbacks", "code", "tenant 1, receipt 2"));
        match outcome(&FlowError::Store(failure)) {
            HandleError::Pause(text) => assert!(text.contains("tenant 1, receipt 2"), "{text}"),
            HandleError::Poison(text) => panic!("buried: {text}"),
        }
        assert!(matches!(
            by_class(&diesel::result::Error::NotFound.into(), String::new()),
            HandleError::Poison(_)
        ));
    }
}
