//! Rule 13 as it is defined: the smallest set of postbacks that is closed under "passes because of the others".

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    alone::Alone,
    case::{Case, Click, Event, Reached, Version},
};

/// How a candidate stands under one version.
enum Under {
    Passes,
    Lacks { until: i64 },
    TooFast,
}

/// Those that pass, and the codes of those that do not, by receipt.
pub(crate) fn sequence(
    case: &Case,
    click: &Click,
    all: &[Alone<'_>],
) -> (BTreeSet<u64>, BTreeMap<u64, &'static str>) {
    let candidates: Vec<&Alone<'_>> =
        all.iter().filter(|one| one.stopped.is_none() && one.event.is_some()).collect();
    let versions = case.speaking(click);
    let mut passing: BTreeSet<u64> = BTreeSet::new();
    loop {
        let through: Vec<&Alone<'_>> =
            candidates.iter().copied().filter(|one| passing.contains(&one.postback.receipt)).collect();
        let next: BTreeSet<u64> = candidates
            .iter()
            .filter(|one| {
                versions.iter().any(|version| matches!(under(version, one, &through), Some(Under::Passes)))
            })
            .map(|one| one.postback.receipt)
            .collect();
        if next == passing {
            break;
        }
        passing = next;
    }
    let through: Vec<&Alone<'_>> =
        candidates.iter().copied().filter(|one| passing.contains(&one.postback.receipt)).collect();
    let mut refused = BTreeMap::new();
    for one in candidates.iter().filter(|one| !passing.contains(&one.postback.receipt)) {
        let newest = one.event.and_then(|(event, _)| case.newest(click, event));
        let code = match newest.and_then(|(version, _)| under(version, one, &through)) {
            Some(Under::Lacks { until }) if case.now < until => "WAITING_SEQUENCE",
            Some(Under::TooFast) => "REJECTED_TOO_FAST",
            _ => "REJECTED_SEQUENCE",
        };
        refused.insert(one.postback.receipt, code);
    }
    (passing, refused)
}

fn under(version: &Version, one: &Alone<'_>, through: &[&Alone<'_>]) -> Option<Under> {
    let (event, terms) = one.event?;
    let event = version.events.iter().find(|candidate| candidate.id == event)?;
    let Some(number) = event.number else { return Some(Under::Passes) };
    let until = one.postback.received + version.grace;
    let lower: BTreeSet<u32> =
        version.events.iter().filter_map(|event| event.number).filter(|lower| *lower < number).collect();
    let mut reached_at = None;
    for lower in lower {
        // The last one looked at is the nearest.
        reached_at = Some(when_reached(version, lower, until, through));
        if reached_at == Some(None) {
            return Some(Under::Lacks { until });
        }
    }
    match (terms.min_time, reached_at.flatten()) {
        (Some(min_time), Some(at)) if one.postback.te() < at + min_time => Some(Under::TooFast),
        _ => Some(Under::Passes),
    }
}

/// T of a number over those that passed and were received by then; none when it is not reached.
fn when_reached(version: &Version, number: u32, by: i64, through: &[&Alone<'_>]) -> Option<i64> {
    let events: Vec<&Event> = version.events.iter().filter(|event| event.number == Some(number)).collect();
    let first_of = |event: &&Event| {
        through
            .iter()
            .filter(|one| one.postback.received <= by)
            .filter(|one| one.event.is_some_and(|(id, _)| id == event.id))
            .map(|one| one.postback.te())
            .min()
    };
    let default = if number == 1 && events.len() > 1 { Reached::Any } else { Reached::All };
    let times: Vec<Option<i64>> = events.iter().map(first_of).collect();
    match version.reached.get(&number).copied().unwrap_or(default) {
        Reached::Any => times.into_iter().flatten().min(),
        Reached::All if times.contains(&None) => None,
        Reached::All => times.into_iter().flatten().max(),
    }
}
