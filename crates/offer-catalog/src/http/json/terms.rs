//! What an event is worth, and caps.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    domain::{
        event::{Payout, Revenue},
        offer::Caps,
    },
    http::reading::{Field, Reader, Unknown, money::written_percent},
};

/// Money for one conversion: `{"model": "FlatRate", "amount": "4.99"}`, `{"model": "Percent", "percent": "12.5"}` of the
/// amount that the postback reports, or, for a payout, `{"model": "RevenueShare", "percent": "70"}`. A plain amount such as
/// `"4.99"` means `FlatRate`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"model": "FlatRate", "amount": "4.99"}))]
pub struct MoneyTerms {
    /// `FlatRate`, Percent or `RevenueShare`.
    model: &'static str,
    /// For `FlatRate`, in the offer's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "4.99")]
    amount: Option<String>,
    /// For Percent and `RevenueShare`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "12.5")]
    percent: Option<String>,
}

/// Money as it is entered: an amount such as `"4.99"`, which means `FlatRate`, or whole terms.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = EnteredMoneyTerms, example = "4.99")]
#[expect(dead_code, reason = "describes what the reader of a body takes; nobody makes one")]
pub enum EnteredTerms {
    /// A flat amount in the offer's currency.
    Amount(String),
    /// The same as a number; of a reward, points.
    Number(f64),
    /// Whole terms.
    Terms(EnteredModel),
}

/// Whole terms as they are entered.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = EnteredModel, example = json!({"model": "FlatRate", "amount": "4.99"}))]
pub struct EnteredModel {
    /// `FlatRate`, Percent or `RevenueShare`.
    model: String,
    /// For `FlatRate`, in the offer's currency.
    amount: Option<EnteredAmount>,
    /// For Percent and `RevenueShare`.
    percent: Option<EnteredAmount>,
}

/// A decimal as it is entered: as text, which keeps every digit, or as a number.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = EnteredAmount, example = "4.99")]
#[expect(dead_code, reason = "describes what the reader of a body takes; nobody makes one")]
pub enum EnteredAmount {
    /// As text.
    Text(String),
    /// As a number.
    Number(f64),
}

/// What an event is worth, as it is shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ShownTerm)]
pub enum ShownTerm {
    /// Revenue or payout.
    Money(MoneyTerms),
    /// A reward's points.
    Points(i64),
}

impl From<Revenue> for MoneyTerms {
    fn from(revenue: Revenue) -> Self {
        match revenue {
            Revenue::Flat(amount) => {
                Self { model: "FlatRate", amount: Some(amount.to_string()), percent: None }
            }
            Revenue::PercentOfAmount(share) => {
                Self { model: "Percent", amount: None, percent: Some(written_percent(share)) }
            }
        }
    }
}

impl From<Payout> for MoneyTerms {
    fn from(payout: Payout) -> Self {
        match payout {
            Payout::Flat(amount) => {
                Self { model: "FlatRate", amount: Some(amount.to_string()), percent: None }
            }
            Payout::PercentOfAmount(share) => {
                Self { model: "Percent", amount: None, percent: Some(written_percent(share)) }
            }
            Payout::ShareOfRevenue(share) => {
                Self { model: "RevenueShare", amount: None, percent: Some(written_percent(share)) }
            }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct TermsBody {
    model: Field,
    amount: Field,
    percent: Field,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Clone, Copy)]
enum Model {
    Flat,
    Percent,
    Share,
}

/// Reads what the advertiser owes.
pub fn read_revenue(reader: &mut Reader, name: &str, field: Field) -> Option<Revenue> {
    let payout = read_terms(reader, name, field, &[("FlatRate", Model::Flat), ("Percent", Model::Percent)])?;
    match payout {
        Payout::Flat(amount) => Some(Revenue::Flat(amount)),
        Payout::PercentOfAmount(share) | Payout::ShareOfRevenue(share) => {
            Some(Revenue::PercentOfAmount(share))
        }
    }
}

/// Reads what the publisher earns.
pub fn read_payout(reader: &mut Reader, name: &str, field: Field) -> Option<Payout> {
    let models = [("FlatRate", Model::Flat), ("Percent", Model::Percent), ("RevenueShare", Model::Share)];
    read_terms(reader, name, field, &models)
}

fn read_terms(reader: &mut Reader, name: &str, field: Field, models: &[(&str, Model)]) -> Option<Payout> {
    if matches!(field.peek(), Some(Value::String(_) | Value::Number(_))) {
        return reader.amount(name, field).map(Payout::Flat);
    }
    reader.object(name, field, |reader, body: TermsBody| {
        reader.refuse_unknown(&body.unknown);
        let model = reader.word("model", body.model, models);
        let model = reader.required("model", model, "FlatRate, Percent or, for a payout, RevenueShare")?;
        match model {
            Model::Flat => {
                let amount = reader.amount("amount", body.amount);
                reader.required("amount", amount, "the flat amount, such as \"4.99\"").map(Payout::Flat)
            }
            Model::Percent | Model::Share => {
                let percent = reader.percent("percent", body.percent);
                let share = reader.required("percent", percent, "the percentage, such as \"12.5\"")?;
                Some(if matches!(model, Model::Share) {
                    Payout::ShareOfRevenue(share)
                } else {
                    Payout::PercentOfAmount(share)
                })
            }
        }
    })
}

/// How many conversions count in a period (UTC). Every cap is at least 1; one that is left out is no cap.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Caps)]
#[expect(clippy::struct_field_names, reason = "the published names")]
pub struct CapsJson {
    /// Each day.
    #[serde(skip_serializing_if = "Option::is_none")]
    daily_cap: Option<u64>,
    /// Each week from Monday.
    #[serde(skip_serializing_if = "Option::is_none")]
    weekly_cap: Option<u64>,
    /// Each calendar month.
    #[serde(skip_serializing_if = "Option::is_none")]
    monthly_cap: Option<u64>,
    /// Ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    all_time_cap: Option<u64>,
}

impl From<Caps> for CapsJson {
    fn from(caps: Caps) -> Self {
        Self {
            daily_cap: caps.daily,
            weekly_cap: caps.weekly,
            monthly_cap: caps.monthly,
            all_time_cap: caps.all_time,
        }
    }
}

/// Caps as they came.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapsBody {
    daily_cap: Field,
    weekly_cap: Field,
    monthly_cap: Field,
    all_time_cap: Field,
    #[serde(flatten)]
    unknown: Unknown,
}

impl CapsBody {
    /// Caps that stand beside other fields.
    pub fn beside(daily_cap: Field, weekly_cap: Field, monthly_cap: Field, all_time_cap: Field) -> Self {
        Self { daily_cap, weekly_cap, monthly_cap, all_time_cap, unknown: Unknown::new() }
    }

    /// Reads them. A cap of 0 is the linter's to refuse: a draft may hold one.
    pub fn read(self, reader: &mut Reader) -> Caps {
        reader.refuse_unknown(&self.unknown);
        let range = 0..=u64::from(u32::MAX);
        Caps {
            daily: reader.whole("dailyCap", self.daily_cap, &range),
            weekly: reader.whole("weeklyCap", self.weekly_cap, &range),
            monthly: reader.whole("monthlyCap", self.monthly_cap, &range),
            all_time: reader.whole("allTimeCap", self.all_time_cap, &range),
        }
    }
}
