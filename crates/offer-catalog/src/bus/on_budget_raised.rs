//! Payout's `BudgetRaised`: a budget that a person raised while deciding on a conversion.

use ::bus::{BatchHandler, HandleError};
use contracts::{ContractError, common, envelope::Envelope, open, payout::BudgetRaised, read};
use hand_over::failure;
use kernel::{ConversionId, FactId, Micros, OfferId, TenantId, TokenId};
use postgres_kit::{Failure as _, Pool};

use crate::{
    domain::budget_raise::{BudgetRaise, RaisedBound},
    flows::{Catalog, RAISES},
};

/// Takes over batches of raises.
pub struct OnBudgetRaised {
    /// Who takes them over.
    pub catalog: Catalog,
    /// Where what can not be taken over is buried.
    pub pool: Pool,
}

impl BatchHandler for OnBudgetRaised {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        let batch: Vec<(FactId, BudgetRaise)> =
            items.iter().map(told).collect::<Result<_, _>>().map_err(|error| failure::of_contract(&error))?;
        self.catalog.take_raises(&batch).await.map_err(|error| match error.database() {
            Some(failure) => failure::of_store(failure),
            None => HandleError::Poison(telemetry::chain(&error)),
        })
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        failure::bury(&self.pool, RAISES, item, reason).await
    }
}

fn told(item: &Envelope) -> Result<(FactId, BudgetRaise), ContractError> {
    let fact: BudgetRaised = open(item)?;
    let tenant = read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?;
    if read::tenant_id(item)? != tenant {
        return Err(read::field_error("tenant_id", "is not the envelope's tenant"));
    }
    // It is a `bigint` of ours.
    if !(1..=i64::MAX.unsigned_abs()).contains(&fact.number) {
        return Err(read::field_error("number", "must be at least 1 and fit 63 bits"));
    }
    let total = raised(&fact, fact.total.as_ref(), fact.total_number, "total")?;
    let daily = raised(&fact, fact.daily.as_ref(), fact.daily_number, "daily")?;
    if total.is_none() && daily.is_none() {
        return Err(read::field_error("total", "is missing, and so is daily: nothing was raised"));
    }
    let raise = BudgetRaise {
        tenant,
        offer: read::id(OfferId::from_slice, &fact.offer_id, "offer_id")?,
        number: fact.number,
        total,
        daily,
        conversion: read::id(ConversionId::from_slice, &fact.conversion_id, "conversion_id")?,
        token: read::id(TokenId::from_slice, &fact.token_id, "token_id")?,
        reason: fact.reason,
        at: read::time(fact.raised_at_micros),
    };
    Ok((read::fact_id(item)?, raise))
}

fn raised(
    fact: &BudgetRaised,
    bound: Option<&common::Money>,
    number: u64,
    field: &str,
) -> Result<Option<RaisedBound>, ContractError> {
    let Some(bound) = read::optional_money(bound, field)? else { return Ok(None) };
    if bound.amount < Micros::ZERO {
        return Err(read::field_error(field, "must not be negative"));
    }
    if !(1..=fact.number).contains(&number) {
        let detail = format!("must be from 1 to the raise's own number {}, is {number}", fact.number);
        return Err(read::field_error(&format!("{field}_number"), detail));
    }
    Ok(Some(RaisedBound { number, bound }))
}
