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
#[schema(example = json!({
    "budgets": [{"currency": "USD", "created": "10000.00", "drafts": "5000.00"}],
    "advertiserBudget": {"amount": "20000.00", "currency": "USD"},
    "offers": [
        {"offerId": "0194a3c0-0000-7000-8000-000000000001", "name": "Golfin iOS",
         "advertiserId": "0193a1f0-0000-7000-8000-000000000001", "offerType": "MultiEvent", "status": "Ready",
         "displayStatus": "Live", "newestVersion": 2, "clonedFrom": null,
         "sharedTo": {"publisherId": "0193a1f0-0000-7000-8000-000000000002", "linkId": "01939b4e-5c00-7000-8000-000000000000", "sharedAt": "2026-11-26T09:30:00Z", "trackingLink": "https://api.brownboots.getgokart.ai/api/v1/offer-link/redirect/01939b4e-5c00-7000-8000-000000000000?pub_click_id={pub_click_id}&pub_member_id={pub_member_id}"},
         "createdAt": "2026-11-25T14:00:00Z", "updatedAt": "2026-11-26T09:30:00Z"}
    ]
}))]
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
