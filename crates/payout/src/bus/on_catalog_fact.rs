//! Tenants' rates, advertisers' names, publishers' endpoints, API tokens, offers' limits.

use std::sync::Arc;

use ::bus::{BatchHandler, HandleError, house::PAYOUT_CATALOG};
use contracts::{
    ContractError, Fact,
    catalog::{AdvertiserChanged, ApiTokenChanged, OfferVersionCreated, PublisherChanged, TenantChanged},
    envelope::Envelope,
    open,
};
use hand_over::failure;
use kernel::IdSource;
use postgres_kit::Pool;

use super::{catalog, offer};
use crate::flows::apply_catalog::{CatalogFact, apply_catalog};

/// Applies batches of catalog facts.
pub struct OnCatalogFact {
    /// Payout's database.
    pub pool: Pool,
    /// Names what is said of budgets.
    pub ids: Arc<dyn IdSource>,
}

impl BatchHandler for OnCatalogFact {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        let facts: Vec<CatalogFact> =
            items.iter().map(fact).collect::<Result<_, _>>().map_err(|error| failure::of_contract(&error))?;
        apply_catalog(&self.pool, &self.ids, &facts).await.map_err(|error| failure::of_store(&error))
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        failure::bury(&self.pool, PAYOUT_CATALOG, item, reason).await
    }
}

fn fact(item: &Envelope) -> Result<CatalogFact, ContractError> {
    match item.fact.as_str() {
        TenantChanged::NAME => catalog::tenant(&open(item)?).map(CatalogFact::Tenant),
        AdvertiserChanged::NAME => catalog::advertiser(&open(item)?).map(CatalogFact::Advertiser),
        ApiTokenChanged::NAME => catalog::token(&open(item)?).map(CatalogFact::Token),
        OfferVersionCreated::NAME => offer::read(item, &open(item)?).map(CatalogFact::Offer),
        // Anything else says which fact was expected.
        _ => catalog::publisher(&open::<PublisherChanged>(item)?).map(CatalogFact::Publisher),
    }
}
