//! A journey with a stored row that can not be read, written by a later release during a deploy or by a hand, must not hold
//! up all that stands behind it in its queue. Its items are put aside in `dead_items`, one by one, with an alarm that names
//! the row, and tried again from time to time (`flows::unpark`); their neighbours are handled.
//!
//! Not by way of `Poison`: nothing is wrong with the items, and three in a row would make the bus doubt the database.

use std::slice;

use bus::HandleError;
use contracts::envelope::Envelope;
use telemetry::chain;

use super::{by_class, outcome};
use crate::{
    flows::{Attributor, CATALOG, CLICKS, FlowError, PAYOUT, UNREADABLE_ROW},
    store::is_unreadable_row,
};

/// Hands a batch of a queue to its flow; what meets an unreadable row is put aside.
pub(super) async fn handle(
    attributor: &Attributor,
    consumer: &'static str,
    items: &[Envelope],
) -> Result<(), HandleError> {
    match take(attributor, consumer, items).await {
        Err(error) if unreadable(&error) => {}
        taken => return taken.map_err(|error| outcome(&error)),
    }
    for item in items {
        match take(attributor, consumer, slice::from_ref(item)).await {
            Err(error) if unreadable(&error) => {
                let reason = format!("{UNREADABLE_ROW}: {}", chain(&error));
                tracing::error!(error = reason, "an item is put aside until its journey can be read");
                let buried = attributor.bury(consumer, item, &reason).await;
                buried.map_err(|error| by_class(&error, chain(&error)))?;
            }
            taken => taken.map_err(|error| outcome(&error))?,
        }
    }
    Ok(())
}

async fn take(attributor: &Attributor, consumer: &str, items: &[Envelope]) -> Result<(), FlowError> {
    match consumer {
        CATALOG => attributor.apply_catalog(items).await,
        CLICKS => attributor.record_clicks(items).await,
        PAYOUT => attributor.record_payout(items).await,
        _ => attributor.record_postbacks(items).await,
    }
}

fn unreadable(error: &FlowError) -> bool {
    matches!(error, FlowError::Store(failure) if is_unreadable_row(failure))
}
