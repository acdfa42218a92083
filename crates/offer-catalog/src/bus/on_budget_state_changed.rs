//! Payout's `BudgetStateChanged`: whether an offer's budget lets clicks through.

use ::bus::{BatchHandler, HandleError};
use contracts::{
    ContractError,
    envelope::Envelope,
    open,
    payout::{BudgetState, BudgetStateChanged},
    read,
};
use hand_over::failure;
use kernel::{OfferId, TenantId};
use postgres_kit::Pool;

use crate::{
    domain::budget::{Budget, ToldBudget},
    flows::{BUDGETS, Catalog},
};

/// Takes over batches of budget states.
pub struct OnBudgetStateChanged {
    /// Who takes them over.
    pub catalog: Catalog,
    /// Where what can not be read is buried.
    pub pool: Pool,
}

impl BatchHandler for OnBudgetStateChanged {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        let batch: Vec<(TenantId, OfferId, ToldBudget)> =
            items.iter().map(told).collect::<Result<_, _>>().map_err(|error| failure::of_contract(&error))?;
        self.catalog.record_budgets(&batch).await.map_err(|error| failure::of_store(&error))
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        failure::bury(&self.pool, BUDGETS, item, reason).await
    }
}

fn told(item: &Envelope) -> Result<(TenantId, OfferId, ToldBudget), ContractError> {
    let fact: BudgetStateChanged = open(item)?;
    let tenant = read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?;
    if read::tenant_id(item)? != tenant {
        return Err(read::field_error("tenant_id", "is not the envelope's tenant"));
    }
    let offer = read::id(OfferId::from_slice, &fact.offer_id, "offer_id")?;
    let version = i64::try_from(fact.version).ok().filter(|version| *version > 0);
    let budget = match read::enumeration::<BudgetState>(fact.state, "state")? {
        BudgetState::Open => Budget::Open,
        BudgetState::Spent => {
            fact.resumes_at_micros.map(read::time).map_or(Budget::Spent, Budget::SpentUntil)
        }
        BudgetState::Unspecified => return Err(read::field_error("state", "is unspecified")),
    };
    let version =
        version.ok_or_else(|| read::field_error("version", "must be at least 1 and fit 63 bits"))?;
    Ok((tenant, offer, ToldBudget { version, budget }))
}
