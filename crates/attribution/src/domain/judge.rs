//! The whole journey, judged from its set.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{ConversionId, OfferEventId, ReceiptId, Timestamp};

use super::{
    code::Code,
    conversion::{Conversion, Slot},
    examined::Examined,
    inputs::{JourneyInputs, Settled},
    replay,
    review::{self, Objections},
    rules::{self, occurrence::Filled},
    trace::Trace,
};

/// What a journey's set of facts means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JourneyVerdict {
    /// One for every postback, in the order of receipt.
    pub decisions: Vec<Decision>,
    /// Every conversion that is reached.
    pub conversions: Vec<Conversion>,
    /// What the journey waits for.
    pub waits: Waits,
    /// Events that this click did for its member, and that no click is known to have done before.
    pub first_steps: Vec<FirstStep>,
}

/// An event that a click did and no other click of its member before. Of several clicks the first committed is the
/// first; see rule 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstStep {
    /// The event.
    pub event: OfferEventId,
    /// When the postback was received that did it.
    pub received_at: Timestamp,
    /// That postback.
    pub receipt: ReceiptId,
}

/// What one postback means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its receipt.
    pub receipt: ReceiptId,
    /// Its code.
    pub code: Code,
    /// The rules that led there.
    pub trace: Trace,
    /// What was settled on the way.
    pub settled: Settled,
}

/// What a journey waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waits {
    /// When time alone changes something next.
    pub until: Option<Timestamp>,
    /// Whether something that is processed later (a version, a credential, a predecessor) may change a decision or a
    /// verdict.
    pub open: bool,
}

/// Judges a journey. `horizon` is the time up to which all input has been seen: what waits is expired by it, never by
/// the clock of the machine that happens to run the rules.
#[must_use]
pub fn judge(journey: &JourneyInputs<'_>, horizon: Timestamp) -> JourneyVerdict {
    let own = judge_once(journey, horizon);
    journey.replayed.iter().fold(own, |stands, version| {
        let chosen = replay::under(journey, &stands, *version, horizon);
        replay::add(stands, chosen, &journey.held)
    })
}

/// Judges a journey under the terms of its click alone.
pub(super) fn judge_once(journey: &JourneyInputs<'_>, horizon: Timestamp) -> JourneyVerdict {
    let mut sorted: Vec<_> = journey.postbacks.iter().collect();
    sorted.sort_by_key(|postback| (postback.received_at, postback.receipt));
    sorted.dedup_by_key(|postback| postback.receipt);
    let mut all: Vec<Examined<'_>> = sorted
        .into_iter()
        .map(|postback| {
            let mut examined = Examined {
                postback,
                trace: Trace::default(),
                settled: postback.settled,
                stop: None,
                flagged: false,
                mapped: None,
            };
            examined.stop = rules::run_alone(journey, &mut examined, horizon).err();
            examined
        })
        .collect();
    rules::sequence::check_all(journey, &mut all, horizon);
    let (filled, mut codes) = rules::occurrence::check_all(journey, &mut all);
    let members = rules::member::check_all(journey, &mut all, &filled, &mut codes);
    let conversions = conversions(journey, &all, &filled, &members.repeats);
    let waits = Waits {
        until: all.iter().filter_map(|one| one.stop?.until).min(),
        open: all.iter().any(|one| one.stop.is_some_and(|stop| stop.code.may_be_lifted()))
            || review::may_reach_further(journey, &all),
    };
    let decisions = all.into_iter().map(|one| decision(one, &codes)).collect();
    JourneyVerdict { decisions, conversions, waits, first_steps: members.first_steps }
}

fn decision(one: Examined<'_>, by_occurrence: &BTreeMap<ReceiptId, Code>) -> Decision {
    let receipt = one.postback.receipt;
    let code = if one.flagged {
        Code::RejectedFraud
    } else {
        // Whoever was neither stopped nor flagged was given a code by rule 14.
        one.stop
            .map(|stop| stop.code)
            .or_else(|| by_occurrence.get(&receipt).copied())
            .unwrap_or(Code::Qualified)
    };
    Decision { receipt, code, trace: one.trace, settled: one.settled }
}

fn conversions(
    journey: &JourneyInputs<'_>,
    all: &[Examined<'_>],
    filled: &BTreeMap<Slot, Filled<'_>>,
    member_repeats: &BTreeSet<Slot>,
) -> Vec<Conversion> {
    let Some(click) = &journey.click else { return Vec::new() };
    let objections = Objections::of(journey, click, all, filled, member_repeats);
    filled
        .iter()
        .filter_map(|(slot, reached)| {
            let (version, event) = journey.offer.newest_with(click.offer_version, slot.event)?;
            let (verdict, code) = objections.verdict(slot, event.number);
            Some(Conversion {
                id: ConversionId::derive(journey.tenant, journey.click_id, slot.event, &slot.occurrence),
                event: slot.event,
                occurrence: slot.occurrence.key(),
                verdict,
                code,
                holder: reached.holder.receipt,
                received_at: reached.holder.received_at,
                effective_at: reached.holder.effective_at(),
                event_time: reached.holder.claims.event_time,
                amount_from: reached.amount_from,
                reported: reached.reported,
                flagged_fraud: objections.is_flagged(slot),
                terms: reached.mapped.source,
                offer_name: version.name.clone(),
                event_id: event.event_id.clone(),
                event_name: event.name.clone(),
                number: event.number,
            })
        })
        .collect()
}
