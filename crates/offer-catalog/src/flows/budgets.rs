//! What payout says of the offers' budgets.

use std::collections::BTreeMap;

use kernel::{OfferId, TenantId};
use postgres_kit::{DbError, Retries, transact};

use super::Catalog;
use crate::{domain::budget::ToldBudget, store::budgets};

/// The queue on which it is heard.
pub const CONSUMER: &str = bus::house::CATALOG_BUDGETS;

impl Catalog {
    /// Takes over a batch of states, in whatever order they come and however often: of each offer the highest version stays.
    /// It needs no inbox for that.
    ///
    /// # Errors
    /// The database's; nothing was taken over then.
    pub async fn record_budgets(&self, batch: &[(TenantId, OfferId, ToldBudget)]) -> Result<(), DbError> {
        let newest = &newest(batch);
        transact(self.pool(), Retries::default(), async |conn| {
            Ok::<_, DbError>(budgets::save(conn, newest).await?)
        })
        .await
    }
}

fn newest(batch: &[(TenantId, OfferId, ToldBudget)]) -> BTreeMap<(TenantId, OfferId), ToldBudget> {
    let mut newest: BTreeMap<(TenantId, OfferId), ToldBudget> = BTreeMap::new();
    for (tenant, offer, told) in batch {
        let known = newest.entry((*tenant, *offer)).or_insert(*told);
        if told.version > known.version {
            *known = *told;
        }
    }
    newest
}
