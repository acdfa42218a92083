//! Advertisers.

use http_kit::Problem;
use kernel::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::terms::EnteredAmount;
use crate::{
    domain::{
        partner::{AdvertiserFields, REVIEW_WINDOW_DAYS_MAX},
        records::Advertiser,
    },
    http::reading::{Field, Reader, Unknown, moments::written},
};

/// A new advertiser.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "Golfin", "reviewWindowDays": 14}))]
pub struct AdvertiserBody {
    /// Shown to people.
    #[schema(value_type = String, max_length = 200)]
    name: Field,
    /// Days it takes to verify conversions.
    #[schema(value_type = Option<u16>, maximum = 365)]
    review_window_days: Field,
    /// Over all its offers.
    #[schema(value_type = Option<MoneyBody>)]
    total_budget: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// An amount of a currency.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Money)]
pub struct MoneyJson {
    /// Decimal.
    #[schema(example = "10000.00")]
    amount: String,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
}

impl From<Money> for MoneyJson {
    fn from(money: Money) -> Self {
        Self { amount: money.amount.to_string(), currency: money.currency.to_string() }
    }
}

/// An amount of a currency, as it is entered.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = EnteredMoney, example = json!({"amount": "10000.00", "currency": "USD"}))]
struct MoneyBody {
    /// Decimal.
    #[schema(value_type = EnteredAmount)]
    amount: Field,
    /// ISO 4217.
    #[schema(value_type = String)]
    currency: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl AdvertiserBody {
    /// Reads the advertiser.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<AdvertiserFields, Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let name = r.text("name", self.name, 200);
        let name = r.required("name", name, "the advertiser's name, such as Golfin");
        let review_window_days =
            r.whole("reviewWindowDays", self.review_window_days, &(0..=REVIEW_WINDOW_DAYS_MAX));
        let total_budget = r.object("totalBudget", self.total_budget, |r, body: MoneyBody| {
            r.refuse_unknown(&body.unknown);
            let amount = r.amount("amount", body.amount);
            let amount = r.required("amount", amount, "such as \"10000.00\"");
            let currency = r.parsed("currency", body.currency, str::parse);
            let currency = r.required("currency", currency, "such as USD");
            Some(Money::new(amount?, currency?))
        });
        r.finish(name.map(|name| AdvertiserFields { name, review_window_days, total_budget }))
    }
}

/// An advertiser.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Advertiser)]
#[schema(example = json!({
    "advertiserId": "0193a1f0-0000-7000-8000-000000000001",
    "name": "Golfin",
    "active": true,
    "reviewWindowDays": 14,
    "totalBudget": {"amount": "10000.00", "currency": "USD"},
    "createdAt": "2026-11-20T08:00:00Z"
}))]
pub struct AdvertiserJson {
    /// Its id.
    advertiser_id: Uuid,
    /// Shown to people.
    #[schema(example = "Golfin")]
    name: String,
    /// Whether it takes part.
    active: bool,
    /// Days it takes to verify conversions; null: not said.
    review_window_days: Option<u16>,
    /// Over all its offers; null: no limit.
    total_budget: Option<MoneyJson>,
    /// When it was made.
    created_at: String,
}

impl From<Advertiser> for AdvertiserJson {
    fn from(advertiser: Advertiser) -> Self {
        let budget = advertiser.fields.total_budget.map(MoneyJson::from);
        Self {
            advertiser_id: advertiser.advertiser_id.as_uuid(),
            name: advertiser.fields.name,
            active: advertiser.active,
            review_window_days: advertiser.fields.review_window_days,
            total_budget: budget,
            created_at: written(advertiser.created_at),
        }
    }
}
