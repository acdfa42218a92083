//! Dates, budget, caps and pictures of the offer itself.

use kernel::Micros;

use super::{Code, Facts, Finding};
use crate::domain::offer::{OfferFields, OfferType};

pub(super) fn check(offer: &OfferFields, facts: &Facts, findings: &mut Vec<Finding>) {
    if offer.creatives.is_empty() {
        findings.push(Finding::new(
            Code::NoCreative,
            "creatives",
            "users see no picture, such as an App Store screenshot",
        ));
    }
    if let (Some(total), Some(daily)) = (offer.total_budget, offer.daily_budget)
        && daily > total
    {
        let detail = format!("must not be above the total budget of {total}");
        findings.push(Finding::new(Code::DailyAboveTotal, "budget.daily", detail));
    }
    check_lineage(offer, facts, findings);
    if let (Some(launch), Some(end)) = (offer.launch_at, offer.end_at)
        && end <= launch
    {
        findings.push(Finding::new(Code::EndBeforeLaunch, "expiryDate", "must be after the launch date"));
    }
    if offer.launch_at.is_some_and(|launch| launch < facts.now) {
        let detail = "is in the past: the offer is live as soon as it is shared";
        findings.push(Finding::new(Code::LaunchInPast, "launchDate", detail));
    }
    for (name, cap) in offer.caps.set() {
        if offer.offer_type == Some(OfferType::MultiEvent) {
            let detail = "a MultiEvent offer caps its events, not itself; move the cap to the event";
            findings.push(Finding::new(Code::OfferCapsOnMultiEvent, name, detail));
        }
        if cap == 0 {
            findings.push(Finding::new(
                Code::CapBelowOne,
                name,
                "must be at least 1, or left out for no cap",
            ));
        }
    }
}

/// Clones share a budget only in people's minds: each may bring its own to the full. Amounts of two currencies are not
/// compared; there are no rates here.
fn check_lineage(offer: &OfferFields, facts: &Facts, findings: &mut Vec<Finding>) {
    let (Some(total), Some(budget)) = (offer.total_budget, facts.advertiser_budget) else { return };
    let sum = total.checked_add(facts.relatives_budget).unwrap_or(Micros(i64::MAX));
    if offer.currency == Some(budget.currency) && sum > budget.amount {
        let detail = format!(
            "with the offers it was cloned from and their clones makes {sum}, above the advertiser's budget of {}",
            budget.amount
        );
        findings.push(Finding::new(Code::LineageBudget, "budget.total", detail));
    }
}
