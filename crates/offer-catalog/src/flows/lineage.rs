//! The lineage of an offer: clones have budgets of their own, which people take for one.

use std::collections::BTreeMap;

use kernel::{Currency, Money, OfferId, TenantId};
use postgres_kit::{Retries, transact};

use super::{Catalog, FlowError, catalog::tenant_of};
use crate::{
    domain::{
        lineage::{LineageBudget, budgets},
        records::Offer,
        tenant::TenantDomain,
    },
    store::{advertisers, lineage, offers},
};

/// The most offers of a lineage that are looked at.
const OFFERS_MAX: i64 = 1_000;

/// An offer's relatives.
pub struct Lineage {
    /// The offer, what it was cloned from and every clone, oldest first.
    pub offers: Vec<Offer>,
    /// Their total budgets.
    pub budgets: BTreeMap<Currency, LineageBudget>,
    /// What the advertiser of the asked offer may spend in all.
    pub advertiser_budget: Option<Money>,
    /// For the tracking links.
    pub domain: TenantDomain,
}

impl Catalog {
    /// The lineage of an offer.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn lineage(&self, tenant: TenantId, id: OfferId) -> Result<Lineage, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| {
            let offer = offers::find(conn, tenant, id).await?.ok_or(FlowError::NotFound("offer"))?;
            let domain = tenant_of(conn, tenant).await?.domain;
            let ids = lineage::ids(conn, tenant, id, OFFERS_MAX).await?;
            let offers = offers::of_ids(conn, tenant, &ids).await?;
            let advertiser = match offer.fields.advertiser_id {
                Some(id) => advertisers::find(conn, tenant, id).await?,
                None => None,
            };
            let advertiser_budget = advertiser.and_then(|advertiser| advertiser.fields.total_budget);
            Ok(Lineage { budgets: budgets(&offers), offers, advertiser_budget, domain })
        })
        .await
    }
}
