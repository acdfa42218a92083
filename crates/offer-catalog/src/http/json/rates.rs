//! A tenant's rate table.

use http_kit::Problem;
use kernel::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    domain::{
        rate::{RATES_MAX, Rate, RateE12},
        records::Tenant,
    },
    http::reading::{Field, Reader, Unknown},
};

/// A whole rate table.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"rates": [
    {"from": "EUR", "to": "USD", "rate": "1.0842"},
    {"from": "USD", "to": "EUR", "rate": "0.9223"}
]}))]
pub struct RatesBody {
    /// One for each pair, at most 500.
    #[schema(value_type = Vec<RateJson>, max_items = 500)]
    rates: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

#[derive(Debug, Default, Deserialize)]
struct RateBody {
    from: Field,
    to: Field,
    rate: Field,
    #[serde(flatten)]
    unknown: Unknown,
}

impl RatesBody {
    /// Reads the table.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<Vec<Rate>, Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let rates = r.list("rates", self.rates, RATES_MAX, |r, item| {
            r.object("", item, |r, body: RateBody| body.read(r))
        });
        let rates = r.required("rates", rates, "the whole table; an empty list empties it");
        r.finish(rates)
    }
}

impl RateBody {
    fn read(self, r: &mut Reader) -> Option<Rate> {
        r.refuse_unknown(&self.unknown);
        let from: Option<Currency> = r.parsed("from", self.from, str::parse);
        let from = r.required("from", from, "such as EUR");
        let to: Option<Currency> = r.parsed("to", self.to, str::parse);
        let to = r.required("to", to, "such as USD");
        let rate = r.digits("rate", self.rate, RateE12::parse);
        let rate = r.required("rate", rate, "what one unit of `from` is worth in `to`, such as \"1.0842\"");
        Some(Rate { from: from?, to: to?, worth: rate? })
    }
}

/// What one unit of a currency is worth in another.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Rate)]
pub struct RateJson {
    /// ISO 4217.
    #[schema(example = "EUR")]
    from: String,
    /// ISO 4217.
    #[schema(example = "USD")]
    to: String,
    /// With at most twelve digits after the point.
    #[schema(example = "1.0842")]
    rate: String,
}

/// A tenant's rate table.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Rates)]
#[schema(example = json!({
    "defaultCurrency": "USD",
    "rates": [
        {"from": "EUR", "to": "USD", "rate": "1.0842"},
        {"from": "USD", "to": "EUR", "rate": "0.9223"}
    ]
}))]
pub struct RatesJson {
    /// The tenant's: used when neither a postback nor its offer names a currency.
    #[schema(example = "USD")]
    default_currency: String,
    /// One for each pair.
    rates: Vec<RateJson>,
}

impl From<Tenant> for RatesJson {
    fn from(tenant: Tenant) -> Self {
        let rates = tenant.rates.into_iter().map(|rate| RateJson {
            from: rate.from.to_string(),
            to: rate.to.to_string(),
            rate: rate.worth.to_string(),
        });
        Self { default_currency: tenant.profile.default_currency.to_string(), rates: rates.collect() }
    }
}
