//! The shared offers in memory: a click reads nothing else. Filled at the start, then by the notifications of whichever
//! replica applied a fact.

use std::{
    collections::HashMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use kernel::{LinkId, OfferId, TenantId};
use postgres_kit::{DbError, Pool, notify::Change};

use crate::{
    domain::LiveOffer,
    store::{self, Selection},
};

/// The shared offers by tracking link.
#[derive(Debug, Clone, Default)]
pub struct OfferBook {
    by_link: Arc<RwLock<HashMap<LinkId, Arc<LiveOffer>>>>,
    is_whole: Arc<AtomicBool>,
}

impl OfferBook {
    /// The offer behind a link.
    #[must_use]
    pub fn find(&self, link: LinkId) -> Option<Arc<LiveOffer>> {
        // A poisoned lock means that a writer panicked between two inserts; every entry is still whole.
        let book = self.by_link.read().unwrap_or_else(std::sync::PoisonError::into_inner);
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
        self.by_link.read().unwrap_or_else(std::sync::PoisonError::into_inner).len()
    }

    /// Reads the selected offers again. A shared offer never loses its link, so nothing is ever removed.
    ///
    /// # Errors
    /// The database's; the book is as before then.
    pub async fn refresh(&self, pool: &Pool, selection: &Selection) -> Result<(), DbError> {
        let mut connection = pool.get().await?;
        let offers = store::load(&mut connection, selection).await?;
        let mut book = self.by_link.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for offer in offers {
            book.insert(offer.link, Arc::new(offer));
        }
        drop(book);
        if matches!(selection, Selection::All) {
            self.is_whole.store(true, Ordering::Release);
        }
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
