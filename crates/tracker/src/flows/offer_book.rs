//! The shared offers in memory: a click reads nothing else. Filled at the start, from the file or the database, then by the
//! notifications of whichever replica applied a fact.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use kernel::{LinkId, OfferId, TenantId};
use postgres_kit::{DbError, Pool, notify::Change};
use tokio::sync::watch;

use crate::{
    domain::LiveOffer,
    store::{self, Selection},
};

/// Offers taken over under one lock: a click waits for no more than these.
const STEP: usize = 1_000;

/// The shared offers by tracking link.
#[derive(Debug, Clone, Default)]
pub struct OfferBook {
    by_link: Arc<RwLock<HashMap<LinkId, Arc<LiveOffer>>>>,
    is_whole: Arc<AtomicBool>,
    /// Counts the changes that came from the database.
    changes: Arc<watch::Sender<u64>>,
}

impl OfferBook {
    /// The offer behind a link.
    #[must_use]
    pub fn find(&self, link: LinkId) -> Option<Arc<LiveOffer>> {
        // A poisoned lock means that a writer panicked between two inserts; every entry is still whole.
        let book = self.by_link.read().unwrap_or_else(PoisonError::into_inner);
        book.get(&link).map(Arc::clone)
    }

    /// Whether everything was read once: before, a link that is not found may be known all the same.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole.load(Ordering::Acquire)
    }

    /// How many offers are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_link.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All offers that are held.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<LiveOffer>> {
        self.by_link.read().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone).collect()
    }

    /// Tells of changes that came from the database.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Takes offers over. They may be old ones, from the file: the book is not whole by them.
    pub fn take(&self, offers: Vec<LiveOffer>) {
        let mut offers = offers.into_iter().map(Arc::new).peekable();
        while offers.peek().is_some() {
            let mut book = self.by_link.write().unwrap_or_else(PoisonError::into_inner);
            for offer in offers.by_ref().take(STEP) {
                book.insert(offer.link, offer);
            }
        }
    }

    /// Reads the selected offers again. A shared offer never loses its link, so nothing is ever removed.
    ///
    /// # Errors
    /// The database's; the book is as before then.
    pub async fn refresh(&self, pool: &Pool, selection: &Selection) -> Result<(), DbError> {
        let mut connection = pool.get().await?;
        self.take(store::load(&mut connection, selection).await?);
        if matches!(selection, Selection::All) {
            self.is_whole.store(true, Ordering::Release);
        }
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
        Ok(())
    }
}

/// What a change asks to read again; `None` for a key that is none of ours.
#[must_use]
pub fn selection_of(change: &Change) -> Option<Selection> {
    match change {
        Change::Everything => Some(Selection::All),
        Change::Of(key) => match key.split_once('/') {
            Some((tenant, offer)) => {
                Some(Selection::Offer(tenant.parse::<TenantId>().ok()?, offer.parse::<OfferId>().ok()?))
            }
            None => key.parse::<TenantId>().ok().map(Selection::Tenant),
        },
    }
}
