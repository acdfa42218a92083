//! The lineage of an offer, with its summed budget.

use kernel::{Currency, Money};
use serde::Serialize;
use utoipa::ToSchema;

use super::{OfferSummaryJson, advertiser::MoneyJson};
use crate::domain::lineage::LineageBudget;

/// Total budgets of one currency.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LineageBudget)]
pub struct LineageBudgetJson {
    /// Of them all.
    #[schema(example = "USD")]
    currency: String,
    /// Of created offers.
    #[schema(example = "10000.00")]
    created: String,
    /// What drafts would add.
    #[schema(example = "5000.00")]
    drafts: String,
}

/// An offer, what it was cloned from and every clone.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Lineage)]
pub struct LineageJson {
    /// The sums of the total budgets, by currency.
    budgets: Vec<LineageBudgetJson>,
    /// What the advertiser may spend over all its offers.
    advertiser_budget: Option<MoneyJson>,
    /// Oldest first, at most 1000.
    offers: Vec<OfferSummaryJson>,
}

impl LineageJson {
    /// From sums and lines.
    pub fn new(
        budgets: impl IntoIterator<Item = (Currency, LineageBudget)>,
        advertiser_budget: Option<Money>,
        offers: Vec<OfferSummaryJson>,
    ) -> Self {
        let budget = |(currency, sums): (Currency, LineageBudget)| LineageBudgetJson {
            currency: currency.to_string(),
            created: sums.created.to_string(),
            drafts: sums.drafts.to_string(),
        };
        Self {
            budgets: budgets.into_iter().map(budget).collect(),
            advertiser_budget: advertiser_budget.map(MoneyJson::from),
            offers,
        }
    }
}
