//! Keeps the offer book at the database's state: everything at the start and whenever something may have been missed, then
//! what each notification names.

use std::time::Duration;

use postgres_kit::{Pool, notify::Changes};
use process::Condition;
use telemetry::chain;

use super::offer_book::{OfferBook, selection_of};

/// Pause before reading again after the database failed.
const PAUSE: Duration = Duration::from_millis(500);

/// Follows for ever; `loaded` turns true with the first complete read. A database that goes away later does not make the
/// tracker unready: it goes on with the offers it knows.
pub async fn follow_offers(book: OfferBook, pool: Pool, mut changes: Changes, loaded: Condition) {
    let held =
        telemetry::meter().u64_gauge("tracker_offers").with_description("Shared offers in memory").build();
    while let Some(change) = changes.next().await {
        let Some(selection) = selection_of(&change) else { continue };
        while let Err(error) = book.refresh(&pool, &selection).await {
            tracing::warn!(error = %chain(&error), "reading changed offers failed; trying again");
            tokio::time::sleep(PAUSE).await;
        }
        held.record(u64::try_from(book.len()).unwrap_or(u64::MAX), &[]);
        loaded.set(true);
    }
}
