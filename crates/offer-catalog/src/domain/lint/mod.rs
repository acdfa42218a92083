//! What would cost money later, found while it costs nothing: every finding has a stable code, the field it is about and
//! a sentence that says what would be right.
//!
//! **Errors** stop creation and sharing. **Warnings** are things a person may have meant. **Infos** say what GoKart does by
//! itself. The linter is pure: what it must know beyond the offer comes in as [`Facts`].

mod code;
mod events;
mod link;
mod money;
mod required;
mod sequence;

use kernel::{Micros, Money, Timestamp};
use serde::Serialize;

pub use code::{Code, Severity};

use super::offer::OfferFields;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable.
    pub code: Code,
    /// Where, by its published name: `events[2].pendingTime`.
    pub field: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

impl Finding {
    fn new(code: Code, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code, field: field.into(), detail: detail.into() }
    }
}

/// What the linter must know beyond the offer.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The present moment.
    pub now: Timestamp,
    /// Days the advertiser takes to verify conversions, when known.
    pub review_window_days: Option<u16>,
    /// The advertiser's own budget, when it has one.
    pub advertiser_budget: Option<Money>,
    /// The total budgets of the other created offers of this one's lineage, in its currency.
    pub relatives_budget: Micros,
}

/// Everything there is to say about an offer: errors first, otherwise in the order of the form.
#[must_use]
pub fn lint(offer: &OfferFields, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    required::check(offer, &mut findings);
    link::check(offer, &mut findings);
    money::check(offer, facts, &mut findings);
    events::check(offer, facts, &mut findings);
    sequence::check(offer, &mut findings);
    findings.sort_by_key(|finding| finding.code.severity());
    findings
}

/// The findings that stop creation and sharing.
#[must_use]
pub fn errors(findings: Vec<Finding>) -> Vec<Finding> {
    findings.into_iter().filter(|finding| finding.code.severity() == Severity::Error).collect()
}

#[cfg(test)]
pub(crate) mod tests;
