//! Each event by itself, and its Event ID beside those of the others. Postbacks are matched byte for byte, so a slip of
//! the keyboard here is a user who is never rewarded.

use std::collections::BTreeMap;

use postback_parser::looks_absent;

use super::{Code, Facts, Finding};
use crate::domain::{
    event::{INSTALL, OfferEvent, Payout, Revenue},
    offer::OfferFields,
};

const SECONDS_PER_DAY: u64 = 86_400;

pub(super) fn check(offer: &OfferFields, facts: &Facts, findings: &mut Vec<Finding>) {
    check_event_ids(offer, findings);
    for (at, event) in offer.events.iter().enumerate() {
        check_caps(at, event, findings);
        check_install(at, event, offer, findings);
        if let (Some(Revenue::Flat(revenue)), Some(Payout::Flat(payout))) = (event.revenue, event.payout)
            && payout > revenue
        {
            let detail = format!("pays {payout} for a revenue of {revenue}: every conversion loses money");
            findings.push(Finding::new(Code::PayoutAboveRevenue, format!("events[{at}].payout"), detail));
        }
        if let (Some(pending), Some(window)) = (event.pending_time, facts.review_window_days)
            && pending.0 < window
        {
            let detail =
                format!("is shorter than the {window} days the advertiser takes to verify conversions");
            findings.push(Finding::new(
                Code::PendingBelowReviewWindow,
                format!("events[{at}].pendingTime"),
                detail,
            ));
        }
        check_deadline(at, event, offer, findings);
    }
}

fn check_event_ids(offer: &OfferFields, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (at, event) in offer.events.iter().enumerate() {
        let (field, id) = (format!("events[{at}].eventId"), event.event_id.as_str());
        if looks_absent(id) {
            let detail =
                format!("`{id}` reads like no value in a postback; use the event's name in AppsFlyer");
            findings.push(Finding::new(Code::EventIdLooksAbsent, field.clone(), detail));
        }
        match seen.get(&folded(id)) {
            Some(other) if *other == id => {
                let detail = format!("`{id}` is given to two events; each needs its own");
                findings.push(Finding::new(Code::EventIdDuplicate, field, detail));
            }
            Some(other) => {
                let detail = format!(
                    "`{id}` and `{other}` differ only in case or white space; a postback matches one"
                );
                findings.push(Finding::new(Code::EventIdTwins, field, detail));
            }
            None => {
                seen.insert(folded(id), id);
            }
        }
    }
}

fn check_caps(at: usize, event: &OfferEvent, findings: &mut Vec<Finding>) {
    let own = event.caps.set().map(|(name, cap)| (format!("events[{at}].{name}"), cap));
    let publishers =
        event.publisher_caps.set().map(|(name, cap)| (format!("events[{at}].publisherCaps.{name}"), cap));
    for (field, cap) in own.chain(publishers) {
        if cap == 0 {
            findings.push(Finding::new(
                Code::CapBelowOne,
                field,
                "must be at least 1, or left out for no cap",
            ));
        }
    }
}

fn check_install(at: usize, event: &OfferEvent, offer: &OfferFields, findings: &mut Vec<Finding>) {
    if !offer.is_multi_event_on_appsflyer() {
        return;
    }
    if event.event_id == INSTALL {
        if event.sequence_number.is_some_and(|number| number != 1) {
            let detail =
                "Install must have sequence number 1 or be Independent: nothing can happen before it";
            findings.push(Finding::new(
                Code::InstallPosition,
                format!("events[{at}].sequenceNumber"),
                detail,
            ));
        }
    } else if letters(&event.event_id) == letters(INSTALL) {
        let detail = format!("`{}` must be spelt exactly {INSTALL}", event.event_id);
        findings.push(Finding::new(Code::InstallMisspelt, format!("events[{at}].eventId"), detail));
    }
}

/// The journey to this event takes at least the minimum times of its own number and of every number below.
fn check_deadline(at: usize, event: &OfferEvent, offer: &OfferFields, findings: &mut Vec<Finding>) {
    let (Some(deadline), Some(number)) = (event.deadline_days, event.sequence_number) else { return };
    let mut slowest: BTreeMap<u16, u64> = BTreeMap::new();
    for before in &offer.events {
        if let (Some(below), Some(seconds)) = (before.sequence_number, before.min_time_seconds)
            && below < number
        {
            let least = slowest.entry(below).or_insert(seconds);
            *least = (*least).max(seconds);
        }
    }
    let own = event.min_time_seconds.unwrap_or_default();
    let chain = slowest.into_values().fold(own, u64::saturating_add);
    if chain > u64::from(deadline.0).saturating_mul(SECONDS_PER_DAY) {
        let detail = format!(
            "{} days are over before the least times up to this event ({} hours) can be",
            deadline.0,
            chain.div_ceil(3_600)
        );
        findings.push(Finding::new(
            Code::DeadlineBelowMinTimes,
            format!("events[{at}].deadlineDays"),
            detail,
        ));
    }
}

/// What is left of an Event ID when case and white space do not count.
fn folded(event_id: &str) -> String {
    event_id.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// Its letters and digits alone.
fn letters(event_id: &str) -> String {
    event_id.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
