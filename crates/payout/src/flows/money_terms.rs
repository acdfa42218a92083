//! From the message to the terms of an event's money.

use contracts::{
    ContractError,
    common::{MoneyTerms, payout_terms, revenue_terms},
    read,
};
use kernel::{Bps, Micros};
use terms::{Payout, Revenue, Terms};

/// The terms that a verdict carries.
///
/// # Errors
/// [`ContractError`] names the field.
pub fn money_terms(terms: &MoneyTerms) -> Result<Terms, ContractError> {
    let revenue = read::required(terms.revenue.as_ref(), "verdict.terms.revenue")?;
    let payout = read::required(terms.payout.as_ref(), "verdict.terms.payout")?;
    Ok(Terms {
        currency: read::currency(&terms.currency, "verdict.terms.currency")?,
        revenue: match read::required(revenue.model.as_ref(), "verdict.terms.revenue.model")? {
            revenue_terms::Model::FlatMicros(micros) => {
                Revenue::Flat(owed(*micros, "verdict.terms.revenue.flat_micros")?)
            }
            revenue_terms::Model::PercentOfAmountBps(bps) => Revenue::PercentOfAmount(Bps(*bps)),
        },
        payout: match read::required(payout.model.as_ref(), "verdict.terms.payout.model")? {
            payout_terms::Model::FlatMicros(micros) => {
                Payout::Flat(owed(*micros, "verdict.terms.payout.flat_micros")?)
            }
            payout_terms::Model::PercentOfAmountBps(bps) => Payout::PercentOfAmount(Bps(*bps)),
            payout_terms::Model::ShareOfRevenueBps(bps) => Payout::ShareOfRevenue(Bps(*bps)),
        },
        reward_points: terms.reward_points,
    })
}

fn owed(micros: i64, field: &str) -> Result<Micros, ContractError> {
    if micros < 0 { Err(read::field_error(field, "must not be negative")) } else { Ok(Micros(micros)) }
}
