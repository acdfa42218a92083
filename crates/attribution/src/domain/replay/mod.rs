//! Replay: a journey judged under the terms of another version than its click's, as if the click had been made under it.
//!
//! [`under`] is that judgement alone: what a what-if shows. For real it is an input of the journey
//! ([`JourneyInputs::replayed`]) and is [added](add) to what the journey's own terms give each time it is judged: what only
//! the chosen terms accept is gained, what they would refuse goes on review, and nothing that stands is taken away. So it does
//! not matter what is processed before the replay and what after it.
//!
//! As if clicked under version n: its terms, names, sequence and targets, and those of later versions as for every click;
//! rule 10 asks the dates and the app of version n. What stays: the credential (rule 4) and stops that were met, people's
//! decisions, who held an occurrence, and which click of a member was first.

mod report;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use kernel::{ConversionId, OfferEventId, ReceiptId, Timestamp};

pub use report::{ConversionDifference, DecisionDifference, Effect, Report, Standing, Worth, compare, worth};

use super::{
    click::Click,
    code::Code,
    conversion::{Conversion, Slot, Verdict, VerdictCode},
    inputs::{Held, JourneyInputs, Settled, SettledOnce},
    judge::{Decision, JourneyVerdict, Waits, judge_once},
    rules::Rule,
    trace::{Step, Trace},
};

/// Judges a journey as if its click had been made under a version. `stands` is what it is without: whoever holds an
/// occurrence there holds it here. Without its click it waits as it does anyway.
#[must_use]
pub fn under(
    journey: &JourneyInputs<'_>,
    stands: &JourneyVerdict,
    version: u32,
    horizon: Timestamp,
) -> JourneyVerdict {
    let Some(click) = &journey.click else { return judge_once(journey, horizon) };
    let mut postbacks = journey.postbacks.clone();
    for postback in &mut postbacks {
        // A stop that was met stays met: people stopped the events, no version did.
        if postback.settled.calendar != SettledOnce::Stopped(Code::RejectedOfferPaused) {
            postback.settled.calendar = SettledOnce::NotYet;
        }
    }
    let mut held = journey.held.clone();
    // What another replay has told under terms of its own is no matter of these.
    held.retain(|_, held| held.terms.introduced_later || held.terms.version == version);
    for conversion in &stands.conversions {
        let Some(slot) = conversion.slot() else { continue };
        let Conversion { holder, amount_from, terms, .. } = *conversion;
        let known = journey.held.get(&slot).copied();
        held.insert(slot, known.unwrap_or(Held { holder, amount_from, amount_closed: false, terms }));
    }
    let as_if = JourneyInputs {
        tenant: journey.tenant,
        click_id: journey.click_id,
        click_id_is_ours: journey.click_id_is_ours,
        click: Some(Click { offer_version: version, ..click.clone() }),
        postbacks,
        offer: journey.offer,
        credentials: journey.credentials,
        held,
        people: journey.people.clone(),
        first_clicks: journey.first_clicks.clone(),
        replayed: Vec::new(),
        dated_by: Some(version),
    };
    let mut verdict = judge_once(&as_if, horizon);
    for decision in &mut verdict.decisions {
        say_so(&mut decision.trace, click.offer_version, version);
    }
    verdict
}

/// The trace of a decision under chosen terms says under which, and does not lie about the click.
fn say_so(trace: &mut Trace, own: u32, chosen: u32) {
    let of_versions = |step: &&mut Step| matches!(step.rule, Rule::ClickArrived | Rule::TermsKnown);
    for step in trace.steps_mut().iter_mut().filter(of_versions) {
        let named = if step.rule == Rule::ClickArrived { "offer version" } else { "version of the click" };
        for (_, value) in step.saw.iter_mut().filter(|(name, _)| name.as_ref() == named) {
            *value = own.to_string();
        }
        if step.rule == Rule::TermsKnown {
            step.saw.push((Cow::Borrowed("replayed under version"), chosen.to_string()));
        }
    }
}

/// Adds what a journey is under chosen terms to what stands.
#[must_use]
pub fn add(stands: JourneyVerdict, chosen: JourneyVerdict, held: &BTreeMap<Slot, Held>) -> JourneyVerdict {
    let is_held = |conversion: &Conversion| {
        let known = conversion.slot().and_then(|slot| held.get(&slot));
        known.is_some_and(|known| known.holder == conversion.holder)
    };
    let by_id: BTreeMap<ConversionId, &Conversion> =
        chosen.conversions.iter().map(|one| (one.id, one)).collect();
    let by_holder: BTreeMap<(OfferEventId, ReceiptId), &Conversion> =
        chosen.conversions.iter().map(|one| ((one.event, one.holder), one)).collect();
    let let_through: BTreeSet<ReceiptId> =
        stands.decisions.iter().filter(|one| reaches(one.code)).map(|one| one.receipt).collect();
    let mut conversions = Vec::with_capacity(stands.conversions.len().max(chosen.conversions.len()));
    let mut met = BTreeSet::new();
    // Who holds what is taken from the chosen terms.
    let mut gained = BTreeSet::new();
    for one in stands.conversions {
        let same = by_id.get(&one.id);
        // Where only one of them allows repetitions, the same step is another occurrence.
        let other = same.or_else(|| by_holder.get(&(one.event, one.holder))).copied();
        met.extend(other.map(|other| other.id));
        conversions.push(match other {
            // It was told as what only the chosen terms let through, and what reaches it here repeats that.
            Some(other)
                if same.is_some() && other.holder == one.holder && !let_through.contains(&one.holder) =>
            {
                gained.insert(other.holder);
                let Conversion { verdict, code, .. } = weighed(one, other);
                Conversion { verdict, code, ..other.clone() }
            }
            Some(other) if same.is_some() => {
                let is_taken = (one.verdict, other.verdict) == (Verdict::Vetoed, Verdict::Qualified);
                gained.extend(is_taken.then_some(other.holder));
                weighed(one, other)
            }
            // The one of the two that was told first stays.
            Some(other) if is_held(other) && !is_held(&one) => {
                gained.insert(other.holder);
                other.clone()
            }
            Some(other) if other.verdict == Verdict::Qualified => one,
            None | Some(_) => on_review(one),
        });
    }
    let taken: BTreeSet<(OfferEventId, ReceiptId)> =
        conversions.iter().map(|one| (one.event, one.holder)).collect();
    let is_new = |one: &&Conversion| !met.contains(&one.id) && !taken.contains(&(one.event, one.holder));
    for one in chosen.conversions.iter().filter(is_new) {
        gained.insert(one.holder);
        conversions.push(one.clone());
    }
    conversions.sort_by_key(|one| (one.event, one.id));
    let mut alternatives: BTreeMap<ReceiptId, Decision> =
        chosen.decisions.into_iter().map(|one| (one.receipt, one)).collect();
    let decisions = stands
        .decisions
        .into_iter()
        .map(|own| match alternatives.remove(&own.receipt) {
            Some(other) => decided(own, other, &gained),
            None => own,
        })
        .collect();
    let mut first_steps = stands.first_steps;
    for step in chosen.first_steps {
        if gained.contains(&step.receipt) && first_steps.iter().all(|known| known.event != step.event) {
            first_steps.push(step);
        }
    }
    JourneyVerdict {
        decisions,
        conversions,
        waits: Waits {
            until: [stands.waits.until, chosen.waits.until].into_iter().flatten().min(),
            open: stands.waits.open || chosen.waits.open,
        },
        first_steps,
    }
}

/// Whether a postback with this code has reached its step.
const fn reaches(code: Code) -> bool {
    code.is_repeat() || matches!(code, Code::Qualified | Code::RejectedMemberRepeat | Code::RejectedFraud)
}

/// One that stands, beside the same under chosen terms: the better of the two, but for one that was accepted.
fn weighed(stands: Conversion, chosen: &Conversion) -> Conversion {
    let amended = amended(stands, chosen);
    let Conversion { verdict, code, terms, .. } = *chosen;
    match (amended.verdict, verdict) {
        (Verdict::Qualified, Verdict::OnReview | Verdict::Vetoed) => on_review(amended),
        // It was told with these terms, and was never refused: they stay.
        (Verdict::OnReview, Verdict::Qualified) => Conversion { verdict, code, ..amended },
        // A flagged one holds only until there is another.
        (Verdict::Vetoed, Verdict::Qualified) if amended.holder != chosen.holder => chosen.clone(),
        (Verdict::Vetoed, Verdict::Qualified) => Conversion { verdict, code, terms, ..amended },
        _ => amended,
    }
}

/// With the amount that only the chosen terms let through, where there is none.
fn amended(stands: Conversion, chosen: &Conversion) -> Conversion {
    if stands.amount_from.is_some() || stands.holder != chosen.holder {
        return stands;
    }
    Conversion { amount_from: chosen.amount_from, reported: chosen.reported, ..stands }
}

/// What was accepted and would now be refused is for a person to look at, unless one has.
fn on_review(stands: Conversion) -> Conversion {
    if stands.verdict != Verdict::Qualified || stands.code.is_a_persons() {
        return stands;
    }
    Conversion { verdict: Verdict::OnReview, code: VerdictCode::ReviewReplay, ..stands }
}

/// A postback that only the chosen terms let through has their decision; every other keeps its own.
fn decided(own: Decision, chosen: Decision, gained: &BTreeSet<ReceiptId>) -> Decision {
    let settled = Settled { calendar: settled(own.settled.calendar, chosen.settled.calendar), ..own.settled };
    let gets_through = !reaches(own.code) && chosen.code.is_repeat();
    let is_final = matches!(own.code, Code::Qualified | Code::RejectedFraud);
    let is_better = !is_final && (gained.contains(&own.receipt) || gets_through);
    Decision { settled, ..if is_better { chosen } else { own } }
}

/// Rule 10 is judged once. What ran only under chosen terms is kept as far as it says nothing of their dates, so that a stop
/// which becomes known later does not take it back.
const fn settled(own: SettledOnce, chosen: SettledOnce) -> SettledOnce {
    match (own, chosen) {
        (SettledOnce::NotYet, SettledOnce::Passed | SettledOnce::Stopped(Code::RejectedOfferPaused)) => {
            chosen
        }
        _ => own,
    }
}
