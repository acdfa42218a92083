//! The offer of a case: its versions, each a copy of the one before with what changed.

use kernel::TimeWindow;

use super::words::{currency, parts, seconds, time};
use crate::domain::{
    DeadlineAnchor, EventTerms, Platform, ReachedBy, Version,
    samples::{event, terms, version},
};

/// Versions, the newest last.
pub(super) type Offer = Vec<Version>;

pub(super) fn new() -> Offer {
    vec![version(1, Vec::new())]
}

/// Takes a line about the offer; whether it was one.
pub(super) fn take(offer: &mut Offer, line: &str) -> bool {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let Some(newest) = offer.last_mut() else { return false };
    match word {
        "event" => define_event(newest, rest),
        "rename" => {
            let (old, new) = rest.split_once(" to ").unwrap_or_else(|| panic!("rename A to B: {line}"));
            let known = newest.events.iter_mut().find(|event| event.event_id == old);
            known.unwrap_or_else(|| panic!("no event {old}")).event_id = String::from(new);
        }
        "number" => {
            let (number, by) = rest.split_once(' ').unwrap_or_else(|| panic!("number 1 any|all: {line}"));
            let by = match by {
                "any" => ReachedBy::Any,
                "all" => ReachedBy::All,
                _ => panic!("any or all: {line}"),
            };
            newest.reached_by.insert(number.parse().unwrap(), by);
        }
        "countries" => newest.countries = words(rest),
        "platforms" => {
            newest.platforms = words(rest).iter().map(|name| Platform::parse(name).unwrap()).collect();
        }
        "dates" => {
            let (from, until) = rest.split_once(" to ").unwrap_or_else(|| panic!("dates A to B: {line}"));
            newest.dates =
                TimeWindow { from: time(from), until: Some(until).filter(|end| *end != "-").map(time) };
        }
        "app" => newest.app_id = Some(String::from(rest)),
        "grace" => newest.grace_seconds = seconds(rest),
        "version" if rest.parse::<u32>().is_ok() => {
            let mut next = newest.clone();
            next.number = rest.parse().unwrap();
            offer.push(next);
        }
        _ => return false,
    }
    true
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().filter(|word| *word != "all").map(String::from).collect()
}

/// `Install 1`, `level_10 2, min time 2h, deadline 3d from install, repeats, currency EUR`. An event that is there already
/// gets this number and these terms.
fn define_event(version: &mut Version, line: &str) {
    let (head, attributes) = parts(line);
    let (name, place) =
        head.rsplit_once(' ').unwrap_or_else(|| panic!("event NAME NUMBER|independent: {line}"));
    let number =
        (place != "independent").then(|| place.parse().unwrap_or_else(|_| panic!("{place}: {line}")));
    let mut own = terms();
    for attribute in attributes {
        define_terms(&mut own, attribute);
    }
    if let Some(known) = version.events.iter_mut().find(|event| event.event_id == name) {
        known.number = number;
        known.terms = own;
        if known.introduced_in == version.number {
            known.introduced_terms = own;
        }
        return;
    }
    let id = u128::try_from(version.events.len()).unwrap() + 1;
    let mut new = event(id, name, number);
    new.terms = own;
    new.introduced_terms = own;
    new.introduced_in = version.number;
    version.events.push(new);
}

fn define_terms(own: &mut EventTerms, attribute: &str) {
    if let Some(text) = attribute.strip_prefix("min time ") {
        own.min_time_seconds = Some(seconds(text));
    } else if let Some(text) = attribute.strip_prefix("deadline ") {
        let days = text.strip_suffix(" from install");
        if days.is_some() {
            own.deadline_anchor = DeadlineAnchor::Install;
        }
        let days = days.unwrap_or(text).trim_end_matches('d');
        own.deadline_days = Some(days.parse().unwrap_or_else(|_| panic!("{attribute}: days")));
    } else if let Some(text) = attribute.strip_prefix("currency ") {
        own.currency = currency(text);
    } else if attribute == "repeats" {
        own.repetitions_allowed = true;
    } else {
        panic!("{attribute:?} is no attribute of an event");
    }
}
