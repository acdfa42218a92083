//! Exporting: page by page in the order of the ids, so that however many there are, a handful is in memory.

use std::collections::HashMap;

use kernel::{OfferId, TenantId};
use postgres_kit::{Retries, transact};
use uuid::Uuid;

use super::{Catalog, FlowError};
use crate::{
    domain::records::Offer,
    store::{offers, provider_offers},
};

/// Offers of one page: the memory of an export.
const PAGE: i64 = 100;

/// An offer on its way out.
pub struct Exported {
    /// The offer.
    pub offer: Offer,
    /// What the provider calls it.
    pub external_id: Option<String>,
}

impl Catalog {
    /// The id of an export, which makes it an import of its own.
    #[must_use]
    pub fn export_id(&self) -> Uuid {
        self.ids().uuid_v7()
    }

    /// The created offers of a tenant after `after`, except those that have ended; none when that was the last.
    ///
    /// # Errors
    /// `Store`.
    pub async fn export_page(
        &self,
        tenant: TenantId,
        provider: &str,
        after: Option<OfferId>,
    ) -> Result<Vec<Exported>, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            let page = offers::running_after(conn, tenant, after, PAGE).await?;
            let ids: Vec<OfferId> = page.iter().map(|offer| offer.offer_id).collect();
            let names = provider_offers::external_ids(conn, tenant, provider, &ids).await?;
            let mut names: HashMap<OfferId, String> = names.into_iter().collect();
            let exported = |offer: Offer| Exported { external_id: names.remove(&offer.offer_id), offer };
            Ok::<_, FlowError>(page.into_iter().map(exported).collect())
        })
        .await
    }
}
