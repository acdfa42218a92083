//! The order of events: numbers from 1, `Install` first or Independent.

use super::{Code, Finding};
use crate::domain::{event::INSTALL, offer::OfferFields};

/// What number 1 is for, by the letters of the Event ID.
const FIRST_EVENTS: [&str; 5] = ["install", "appopen", "afappopened", "ftue", "firsttimeuserexperience"];

pub(super) fn check(offer: &OfferFields, findings: &mut Vec<Finding>) {
    let has_install = offer.events.iter().any(|event| event.event_id == INSTALL);
    if offer.is_multi_event_on_appsflyer() && !offer.events.is_empty() && !has_install {
        findings.push(Finding::new(
            Code::InstallMissing,
            "events",
            "a multi-event AppsFlyer offer needs the event Install, with sequence number 1 or Independent",
        ));
    }
    let numbers = offer.sequence_numbers();
    if let Some(first) = numbers.first()
        && *first != 1
    {
        let detail = format!("sequence numbers begin with 1, here the lowest is {first}");
        findings.push(Finding::new(Code::SequenceStart, "events", detail));
    }
    for pair in numbers.windows(2) {
        if let [lower, higher] = pair
            && lower.saturating_add(1) != *higher
        {
            let detail = format!("no event has a sequence number between {lower} and {higher}");
            findings.push(Finding::new(Code::SequenceGap, "events", detail));
        }
    }
    if offer.is_multi_event_on_appsflyer() {
        for (at, event) in offer.events.iter().enumerate() {
            let letters: String =
                event.event_id.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect();
            if event.sequence_number == Some(1) && !FIRST_EVENTS.contains(&letters.as_str()) {
                let detail = "number 1 is meant for Install, App Open and FTUE";
                findings.push(Finding::new(
                    Code::SequenceFirstNumber,
                    format!("events[{at}].sequenceNumber"),
                    detail,
                ));
            }
        }
    }
    for (at, rule) in offer.sequence_rules.iter().enumerate() {
        if !numbers.contains(&rule.sequence_number) {
            let detail = format!("no event has sequence number {}", rule.sequence_number);
            findings.push(Finding::new(Code::SequenceRuleUnused, format!("sequenceRules[{at}]"), detail));
        }
    }
}
