//! The offer book in a file, so that a tracker starts without its database.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use telemetry::chain;

use super::offer_book::OfferBook;
use crate::store::offer_file;

/// Fills the book from the file. A file that is no whole one is reported and ignored: the database is waited for.
///
/// Returns whether there was one.
#[must_use]
pub fn recall_offers(book: &OfferBook, path: &Path) -> bool {
    match offer_file::read(path) {
        Ok(Some(offers)) => {
            tracing::info!(offers = offers.len(), "starting with the offers in the file");
            book.take(offers);
            true
        }
        Ok(None) => false,
        Err(error) => {
            tracing::error!(error = %chain(&error), "the file of offers is not used; waiting for the database");
            false
        }
    }
}

/// Keeps the file at the book's state, for ever: `pause` after a change, with whatever else changed meanwhile.
pub async fn keep_offers(book: OfferBook, path: PathBuf, pause: Duration) {
    let mut changes = book.changes();
    while changes.changed().await.is_ok() {
        tokio::time::sleep(pause).await;
        changes.mark_unchanged();
        let (offers, path) = (book.all(), path.clone());
        let written = tokio::task::spawn_blocking(move || offer_file::write(&path, &offers)).await;
        let failure = match written {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => chain(&error),
            Err(panic) => chain(&panic),
        };
        tracing::error!(error = %failure, "the offers could not be saved; the old file stays");
    }
}
