//! Facts of the catalog, and of payout about budgets, into the read model, one transaction a batch.

use contracts::{
    ContractError, Fact,
    catalog::{ApiTokenChanged, OfferChanged, OfferVersionCreated, TenantChanged},
    envelope::Envelope,
    open,
    payout::BudgetStateChanged,
    read,
};
use kernel::{LinkId, OfferId, TenantId};
use postgres_kit::{DbError, Pool, Retries, transact};
use prost::Message;

use crate::store::{self, BudgetRow, CatalogRows, OfferRow, TenantRow, VersionRow};

/// Why a batch was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// One of its items is not what it says.
    #[error("a catalog fact can not be read")]
    Unreadable(#[from] ContractError),
    /// The database did not take it.
    #[error("saving the read model")]
    Store(#[from] DbError),
}

/// Applies a batch: idempotent by the version guards, so it needs no inbox.
///
/// # Errors
/// [`ApplyError`]; nothing was applied then.
pub async fn apply_catalog(pool: &Pool, items: &[Envelope]) -> Result<(), ApplyError> {
    let mut rows = CatalogRows::default();
    for item in items {
        collect(item, &mut rows)?;
    }
    transact(pool, Retries::default(), async |connection| {
        Ok::<_, DbError>(store::save(connection, &rows).await?)
    })
    .await?;
    Ok(())
}

fn collect(item: &Envelope, rows: &mut CatalogRows) -> Result<(), ContractError> {
    match item.fact.as_str() {
        TenantChanged::NAME => {
            let fact: TenantChanged = open(item)?;
            let tenant = read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?;
            rows.tenant(tenant, TenantRow { version: fact.version, fact: fact.encode_to_vec() });
        }
        OfferChanged::NAME => {
            let fact: OfferChanged = open(item)?;
            let tenant = read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?;
            let offer = read::id(OfferId::from_slice, &fact.offer_id, "offer_id")?;
            let link = read::optional_id(LinkId::from_slice, fact.link_id.as_deref(), "link_id")?;
            rows.offer(tenant, offer, OfferRow { revision: fact.revision, link, fact: fact.encode_to_vec() });
        }
        OfferVersionCreated::NAME => {
            let fact: OfferVersionCreated = open(item)?;
            let tenant = read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?;
            let offer = read::id(OfferId::from_slice, &fact.offer_id, "offer_id")?;
            rows.version(tenant, offer, fact.version, VersionRow { fact: fact.encode_to_vec() });
        }
        BudgetStateChanged::NAME => {
            let fact: BudgetStateChanged = open(item)?;
            let tenant = read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?;
            let offer = read::id(OfferId::from_slice, &fact.offer_id, "offer_id")?;
            rows.budget(tenant, offer, BudgetRow { version: fact.version, fact: fact.encode_to_vec() });
        }
        // The tracker's doors are public: it has no use for tokens. Other facts of the catalog do not concern it.
        ApiTokenChanged::NAME => {}
        other => tracing::debug!(fact = other, "a catalog fact that the tracker does not follow"),
    }
    Ok(())
}
