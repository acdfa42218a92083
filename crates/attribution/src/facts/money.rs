//! Money terms and rates, for what-if: what is really paid, payout reckons from the same messages.

use std::collections::BTreeMap;

use contracts::{
    ContractError,
    catalog::TenantChanged,
    common::{MoneyTerms, payout_terms, revenue_terms},
    read,
};
use kernel::{Bps, Currency, Micros};
use terms::{Payout, Rate, Revenue, Terms};

/// A tenant's rate table.
#[derive(Debug, Clone, Default)]
pub struct Rates(BTreeMap<(Currency, Currency), Rate>);

impl Rates {
    /// What one unit of a currency is worth in another; none when the tenant has no rate for it.
    #[must_use]
    pub fn find(&self, from: Currency, to: Currency) -> Option<Rate> {
        self.0.get(&(from, to)).copied()
    }
}

/// Reads a tenant's rate table.
///
/// # Errors
/// [`ContractError`] naming the field.
pub fn rates(fact: &TenantChanged) -> Result<Rates, ContractError> {
    let read = fact.rates.iter().map(|one| {
        let rate = Rate::from_e12(one.rate_e12)
            .ok_or_else(|| read::field_error("rates.rate_e12", "must be above 0"))?;
        Ok(((read::currency(&one.from, "rates.from")?, read::currency(&one.to, "rates.to")?), rate))
    });
    read.collect::<Result<_, _>>().map(Rates)
}

/// Reads the money of an event; none when it has none, as in a draft, or none that this release knows.
#[must_use]
pub fn money_terms(message: &MoneyTerms) -> Option<Terms> {
    let revenue = match message.revenue.as_ref()?.model.as_ref()? {
        revenue_terms::Model::FlatMicros(micros) => Revenue::Flat(Micros(*micros)),
        revenue_terms::Model::PercentOfAmountBps(share) => Revenue::PercentOfAmount(Bps(*share)),
    };
    let payout = match message.payout.as_ref()?.model.as_ref()? {
        payout_terms::Model::FlatMicros(micros) => Payout::Flat(Micros(*micros)),
        payout_terms::Model::PercentOfAmountBps(share) => Payout::PercentOfAmount(Bps(*share)),
        payout_terms::Model::ShareOfRevenueBps(share) => Payout::ShareOfRevenue(Bps(*share)),
    };
    let currency = message.currency.parse().ok()?;
    Some(Terms { currency, revenue, payout, reward_points: message.reward_points })
}
