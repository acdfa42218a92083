//! `raiseBudget` of a decision: read, and refused field by field.

use std::ops::RangeInclusive;

use http_kit::{FieldError, Problem};
use kernel::Micros;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::{
    limits::{Budgets, NotRaised, Over, Period},
    standing::Decision,
};

/// Up to the highest amount that the catalog takes.
const BOUNDS: RangeInclusive<Micros> = Micros(1)..=Micros(1_000_000_000_000_000);
const NOT_AN_AMOUNT: &str = "must be an amount above 0, at most 1000000000, with at most six digits after the point, such as \"6000.00\"";
const NAME: &str = "raiseBudget";

/// New bounds for budgets of the offer, raised with the decision: `total`, `daily` or both.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"total": "6000.00"}))]
pub struct RaiseBudgetBody {
    /// The new total budget: decimal, in the offer's currency, above the present one, at most 1000000000.
    #[schema(example = "6000.00", pattern = r"^[0-9]{1,10}(\.[0-9]{1,6})?$")]
    total: Option<String>,
    /// The new daily budget: decimal, in the offer's currency, above the present one, not above the total.
    #[schema(example = "120.00", pattern = r"^[0-9]{1,10}(\.[0-9]{1,6})?$")]
    daily: Option<String>,
}

impl RaiseBudgetBody {
    /// One that is refused, for the document.
    pub(super) fn wrong() -> Self {
        Self { total: Some(String::from("much more")), daily: None }
    }
}

/// What is asked for, or every field that is wrong.
pub(super) fn read(body: &RaiseBudgetBody, decision: Decision) -> Result<Budgets, Vec<FieldError>> {
    let mut faults = Vec::new();
    if decision == Decision::Reject {
        faults.push(fault(String::from(NAME), "a rejection takes no room: leave it out"));
    } else if body.total.is_none() && body.daily.is_none() {
        faults.push(fault(String::from(NAME), "must name total, daily or both"));
    }
    let mut amount = |text: Option<&str>, period| {
        let amount = Micros::parse_decimal(text?.trim()).filter(|amount| BOUNDS.contains(amount));
        if amount.is_none() {
            faults.push(fault(field(period), NOT_AN_AMOUNT));
        }
        amount
    };
    let total = amount(body.total.as_deref(), Period::AllTime);
    let daily = amount(body.daily.as_deref(), Period::Day);
    if faults.is_empty() { Ok(Budgets { total, daily }) } else { Err(faults) }
}

/// 409: the budgets are not what the caller believed.
pub(super) fn refused(why_not: &[(Period, NotRaised)]) -> Problem {
    let detail = "these budgets can not be raised to that, so nothing was decided either";
    let problem = Problem::conflict("budget_is_not_raised", detail);
    why_not
        .iter()
        .fold(problem, |problem, (period, why_not)| problem.field(field(*period), why_not.to_string()))
}

/// Names the bounds that would have had room.
pub(super) fn with_what_is_enough(problem: Problem, over: &Over) -> Problem {
    let Over::Budget { enough, .. } = over else { return problem };
    enough.named().fold(problem, |problem, (period, bound)| {
        problem.field(field(period), format!("{bound} or more would have room"))
    })
}

fn field(period: Period) -> String {
    let name = if period == Period::Day { "daily" } else { "total" };
    format!("{NAME}.{name}")
}

fn fault(field: String, detail: &str) -> FieldError {
    FieldError { field, detail: String::from(detail) }
}
