//! Budgets over a lineage: an offer, what it was cloned from, and all clones.

use std::collections::BTreeMap;

use kernel::{Currency, Micros};

use super::{records::Offer, status::OfferStatus};

/// Total budgets of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineageBudget {
    /// Of created offers, also of those that have ended: what they brought was spent.
    pub created: Micros,
    /// Of drafts: what they would add.
    pub drafts: Micros,
}

/// The total budgets of offers by currency. A draft without budget or currency adds nothing yet.
#[must_use]
pub fn budgets(offers: &[Offer]) -> BTreeMap<Currency, LineageBudget> {
    let mut budgets: BTreeMap<Currency, LineageBudget> = BTreeMap::new();
    for offer in offers {
        let (Some(currency), Some(total)) = (offer.fields.currency, offer.fields.total_budget) else {
            continue;
        };
        let budget = budgets.entry(currency).or_default();
        let sum =
            if offer.state.status == OfferStatus::Draft { &mut budget.drafts } else { &mut budget.created };
        *sum = sum.checked_add(total).unwrap_or(Micros(i64::MAX));
    }
    budgets
}
