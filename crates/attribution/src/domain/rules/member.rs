//! Rule 15: the member has not done this event of the offer through another click.
//!
//! Asked of whoever holds an occurrence, and only when the click's terms allow no repetitions. The first committed wins:
//! which click that is, is an input; a click that finds nobody there says so, and its first step is claimed when the
//! verdict is written. Who loses has done the step all the same: its number is reached, only the conversion is refused.
//! The member's id is no part of the trace: it is a person's, and the winner's click leads to it.

use std::collections::{BTreeMap, BTreeSet};

use kernel::ReceiptId;

use super::{Rule, lets_through, occurrence::Filled};
use crate::domain::{
    code::Code,
    conversion::Slot,
    examined::Examined,
    inputs::JourneyInputs,
    judge::FirstStep,
    trace::{Saw, saw},
};

/// What rule 15 found.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// Occurrences that the member has already filled through another click.
    pub(crate) repeats: BTreeSet<Slot>,
    /// What this click did first, as far as is known.
    pub(crate) first_steps: Vec<FirstStep>,
}

pub(crate) fn check_all(
    journey: &JourneyInputs<'_>,
    all: &mut [Examined<'_>],
    filled: &BTreeMap<Slot, Filled<'_>>,
    codes: &mut BTreeMap<ReceiptId, Code>,
) -> Members {
    let mut members = Members::default();
    let has_member = journey.click.as_ref().is_some_and(|click| click.member.is_some());
    let slots: BTreeMap<ReceiptId, (&Slot, &Filled<'_>)> =
        filled.iter().map(|(slot, filled)| (filled.holder.receipt, (slot, filled))).collect();
    // What a replay let through holds its occurrence here, too, and is no other member's for that.
    for one in all.iter().filter(|one| !one.flagged && !one.reaches_sequence()) {
        let Some((slot, filled)) = slots.get(&one.postback.receipt) else { continue };
        let first = journey.first_clicks.get(&slot.event);
        let is_repeat = first.is_some_and(|first| *first != journey.click_id);
        if has_member && is_repeat && !filled.mapped.terms.repetitions_allowed {
            members.repeats.insert((*slot).clone());
        }
    }
    // Only who holds its occurrence is asked: a flagged one never does.
    for one in all.iter_mut().filter(|one| !one.flagged && one.reaches_sequence()) {
        let Some((slot, filled)) = slots.get(&one.postback.receipt) else { continue };
        if filled.mapped.terms.repetitions_allowed {
            one.trace.pass(Rule::Member, saw([("repetitions", String::from("allowed"))]));
            continue;
        }
        if !has_member {
            one.trace.pass(Rule::Member, saw([("member", String::from("none"))]));
            continue;
        }
        let first = journey.first_clicks.get(&slot.event);
        if lets_through(Rule::Member, first.is_none_or(|first| *first == journey.click_id)) {
            one.trace.pass(Rule::Member, Saw::new());
            let own = FirstStep {
                event: slot.event,
                received_at: one.postback.received_at,
                receipt: one.postback.receipt,
            };
            members.first_steps.extend(first.is_none().then_some(own));
        } else {
            let first = first.map_or_else(|| journey.click_id.to_string(), ToString::to_string);
            one.trace.stop(Rule::Member, Code::RejectedMemberRepeat, saw([("done first by click", first)]));
            codes.insert(one.postback.receipt, Code::RejectedMemberRepeat);
            members.repeats.insert((*slot).clone());
        }
    }
    members
}
