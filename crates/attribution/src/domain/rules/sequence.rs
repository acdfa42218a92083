//! Rule 13: the earlier steps are reached, and where a min time is set, enough time lies between.
//!
//! Existence counts, not the order of clocks: device clocks disagree. A postback of number n passes under a version
//! when every lower number that version uses is reached by postbacks that themselves passed and were received no later
//! than its own `received_at` + grace. It passes when it passes under the click's version or any later one.
//!
//! "Passed" feeds on itself, so this is a fixpoint: everything that can pass is let through until nothing more can.
//! Each round only adds (a step more, an earlier time), never takes away, so the result does not depend on the order
//! in which postbacks are tried, and a later one can only lift.

use std::collections::BTreeMap;

use kernel::{OfferEventId, Timestamp};

use super::{Rule, lets_through};
use crate::domain::{
    click::Click,
    code::Code,
    examined::{Examined, Mapped, Stop},
    inputs::JourneyInputs,
    offer::{ReachedBy, Version},
    postback::Stamped,
    trace::{Saw, saw},
};

/// The postbacks that passed, by event.
#[derive(Debug, Default)]
struct Passed(BTreeMap<OfferEventId, Passages>);

/// The passages of one event by time of receipt, each with the smallest effective time up to there.
#[derive(Debug, Default)]
struct Passages(BTreeMap<Timestamp, Timestamp>);

impl Passages {
    fn add(&mut self, received_at: Timestamp, effective_at: Timestamp) {
        let earlier = self.smallest_until(received_at);
        let smallest = earlier.map_or(effective_at, |known| known.min(effective_at));
        self.0.insert(received_at, smallest);
        for later in self.0.range_mut(received_at..).map(|(_, smallest)| smallest) {
            *later = (*later).min(smallest);
        }
    }

    /// The smallest effective time among what was received until then; none when nothing was.
    fn smallest_until(&self, until: Timestamp) -> Option<Timestamp> {
        self.0.range(..=until).next_back().map(|(_, smallest)| *smallest)
    }
}

impl Passed {
    fn add(&mut self, event: OfferEventId, postback: &Stamped) {
        self.0.entry(event).or_default().add(postback.received_at, postback.effective_at());
    }

    /// When a number was reached (T of the semantics), by what was received until then; none when it was not.
    fn reached_at(&self, version: &Version, number: u32, until: Timestamp) -> Option<Timestamp> {
        let times =
            version.events_of_number(number).map(|event| self.0.get(&event.id)?.smallest_until(until));
        match version.rule_of(number) {
            ReachedBy::Any => times.flatten().min(),
            // An event without a time makes the whole number unreached.
            ReachedBy::All => times.collect::<Option<Vec<Timestamp>>>()?.into_iter().max(),
        }
    }
}

/// How a postback fares under one version.
enum Fares {
    Passes(Saw),
    Lacks { until: Timestamp, saw: Saw },
    TooFast(Saw),
}

fn under(version: &Version, mapped: &Mapped<'_>, postback: &Stamped, passed: &Passed) -> Option<Fares> {
    let event = version.event(mapped.event)?;
    let by_version = ("version", version.number.to_string());
    let Some(number) = event.number else {
        return Some(Fares::Passes(saw([by_version, ("number", String::from("Independent"))])));
    };
    let until = postback.received_at.saturating_add_seconds(version.grace_seconds);
    let lower = version.numbers_below(number);
    let missing: Vec<String> = lower
        .iter()
        .filter(|number| passed.reached_at(version, **number, until).is_none())
        .map(ToString::to_string)
        .collect();
    if !missing.is_empty() {
        let seen = saw([
            by_version,
            ("number", number.to_string()),
            ("numbers not reached", missing.join(", ")),
            ("waits until", super::moment(until)),
        ]);
        return Some(Fares::Lacks { until, saw: seen });
    }
    let previous = lower.last().and_then(|nearest| passed.reached_at(version, *nearest, until));
    let (Some(seconds), Some(previous)) = (mapped.terms.min_time_seconds, previous) else {
        return Some(Fares::Passes(saw([by_version, ("number", number.to_string())])));
    };
    let earliest = previous.saturating_add_seconds(seconds);
    let seen = saw([
        by_version,
        ("number", number.to_string()),
        ("previous number reached at", super::moment(previous)),
        ("earliest allowed", super::moment(earliest)),
        ("effective time", super::moment(postback.effective_at())),
    ]);
    Some(if postback.effective_at() >= earliest { Fares::Passes(seen) } else { Fares::TooFast(seen) })
}

fn passes(
    journey: &JourneyInputs<'_>,
    click: &Click,
    examined: &Examined<'_>,
    passed: &Passed,
) -> Option<Saw> {
    let mapped = examined.mapped.as_ref()?;
    journey.offer.since_version(click.offer_version).find_map(|version| {
        match under(version, mapped, examined.postback, passed)? {
            Fares::Passes(seen) => lets_through(Rule::Sequence, true).then_some(seen),
            Fares::Lacks { saw, .. } | Fares::TooFast(saw) => {
                lets_through(Rule::Sequence, false).then_some(saw)
            }
        }
    })
}

/// Decides rule 13 for the whole journey: who passes is let through, all others get their stop.
pub(crate) fn check_all(journey: &JourneyInputs<'_>, all: &mut [Examined<'_>], horizon: Timestamp) {
    let Some(click) = &journey.click else { return };
    let mut passed = Passed::default();
    let mut waiting: Vec<&mut Examined<'_>> = all.iter_mut().filter(|one| one.reaches_sequence()).collect();
    loop {
        let before = waiting.len();
        let mut still_waiting = Vec::with_capacity(before);
        for one in waiting {
            match (passes(journey, click, one, &passed), &one.mapped) {
                (Some(seen), Some(mapped)) => {
                    passed.add(mapped.event, one.postback);
                    one.trace.pass(Rule::Sequence, seen);
                }
                (None, _) | (_, None) => still_waiting.push(one),
            }
        }
        waiting = still_waiting;
        if waiting.len() == before {
            break;
        }
    }
    for one in waiting {
        stop(journey, click, one, &passed, horizon);
    }
}

/// The code of a refusal is the newest version's.
fn stop(
    journey: &JourneyInputs<'_>,
    click: &Click,
    one: &mut Examined<'_>,
    passed: &Passed,
    horizon: Timestamp,
) {
    let Some(mapped) = &one.mapped else { return };
    let newest = journey.offer.newest_with(click.offer_version, mapped.event);
    let fares = newest.and_then(|(version, _)| under(version, mapped, one.postback, passed));
    let (stop, seen) = match fares {
        Some(Fares::Lacks { until, saw }) if horizon < until => {
            (Stop { code: Code::WaitingSequence, until: Some(until) }, saw)
        }
        Some(Fares::Lacks { saw, .. } | Fares::Passes(saw)) => (Stop::at(Code::RejectedSequence), saw),
        Some(Fares::TooFast(saw)) => (Stop::at(Code::RejectedTooFast), saw),
        None => (Stop::at(Code::RejectedSequence), Saw::new()),
    };
    one.trace.stop(Rule::Sequence, stop.code, seen);
    one.stop = Some(stop);
}
