//! Rule 14: one postback fills a slot, all others that pass for it are repeats.
//!
//! A flagged postback reaches its step, but neither holds nor repeats; alone, it lends the conversion its amount.
//! Who holds a slot is remembered: the first that was committed stays, so that what payout was told stays true.

use std::collections::BTreeMap;

use kernel::{Occurrence, ReceiptId};

use super::{Rule, lets_through};
use crate::domain::{
    code::Code,
    conversion::{Reported, Slot},
    examined::{Examined, Mapped},
    inputs::{Held, JourneyInputs},
    offer::EventTerms,
    postback::Stamped,
    trace::saw,
};

/// A slot that is reached.
#[derive(Debug)]
pub(crate) struct Filled<'a> {
    /// The unflagged postback that holds it, else the first flagged one.
    pub(crate) holder: &'a Stamped,
    pub(crate) amount_from: Option<ReceiptId>,
    pub(crate) reported: Reported,
    pub(crate) mapped: Mapped<'a>,
    /// Everything that reached it.
    pub(crate) reached_by: Vec<&'a Stamped>,
}

/// The slot a postback belongs to.
pub(crate) fn slot_of(postback: &Stamped, mapped: &Mapped<'_>) -> Slot {
    let claims = &postback.claims;
    let occurrence = if !mapped.terms.repetitions_allowed {
        Occurrence::Once
    } else if let Some(id) = &claims.conversion_id {
        Occurrence::ById(id.clone())
    } else {
        claims.event_time.map_or(Occurrence::Once, Occurrence::at)
    };
    Slot { event: mapped.event, occurrence }
}

/// Decides rule 14 for the whole journey; the postbacks come in the order of their receipt.
pub(crate) fn check_all<'a>(
    journey: &JourneyInputs<'_>,
    all: &mut [Examined<'a>],
) -> (BTreeMap<Slot, Filled<'a>>, BTreeMap<ReceiptId, Code>) {
    // A replay may have let through a postback that these terms do not: what it holds, it holds here, too.
    let is_replayed = journey.dated_by.is_some() || !journey.replayed.is_empty();
    let others: BTreeMap<ReceiptId, &'a Stamped> = all
        .iter()
        .filter(|one| is_replayed && !one.flagged)
        .map(|one| (one.postback.receipt, one.postback))
        .collect();
    let mut by_slot: BTreeMap<Slot, Vec<&mut Examined<'a>>> = BTreeMap::new();
    for one in all.iter_mut().filter(|one| one.reaches_sequence()) {
        if let Some(mapped) = &one.mapped {
            by_slot.entry(slot_of(one.postback, mapped)).or_default().push(one);
        }
    }
    let mut filled = BTreeMap::new();
    let mut codes = BTreeMap::new();
    for (slot, members) in by_slot {
        if let Some(one) = fill(journey.held.get(&slot), members, &others, &mut codes) {
            filled.insert(slot, one);
        }
    }
    (filled, codes)
}

fn fill<'a>(
    held: Option<&Held>,
    mut members: Vec<&mut Examined<'a>>,
    others: &BTreeMap<ReceiptId, &'a Stamped>,
    codes: &mut BTreeMap<ReceiptId, Code>,
) -> Option<Filled<'a>> {
    let mapped = members.first()?.mapped.clone()?;
    let reached_by: Vec<&'a Stamped> = members.iter().map(|one| one.postback).collect();
    let unflagged: Vec<&'a Stamped> =
        members.iter().filter(|one| !one.flagged).map(|one| one.postback).collect();
    let find = |receipt: ReceiptId| unflagged.iter().copied().find(|one| one.receipt == receipt);
    let told = held.and_then(|held| find(held.holder).or_else(|| others.get(&held.holder).copied()));
    let holder = told.or_else(|| unflagged.first().copied());
    // An amount that comes after the conversion was settled changes nothing.
    let counts = |one: &&Stamped| {
        held.is_none_or(|held| !held.amount_closed || held.amount_from == Some(one.receipt))
            && amount(one, mapped.terms).money.is_some()
    };
    let Some(holder) = holder else {
        let lender = reached_by.iter().copied().find(counts);
        let first = *reached_by.first()?;
        return Some(Filled {
            holder: first,
            amount_from: lender.map(|one| one.receipt),
            reported: lender.map_or_else(Reported::default, |one| amount(one, mapped.terms)),
            mapped,
            reached_by,
        });
    };
    let has_amount = |one: &&Stamped| amount(one, mapped.terms).money.is_some();
    let lender = Some(holder)
        .filter(has_amount)
        .or_else(|| held.and_then(|held| held.amount_from).and_then(find).filter(has_amount))
        .or_else(|| unflagged.iter().copied().find(counts));
    let reported = lender.map_or_else(Reported::default, |one| amount(one, mapped.terms));
    for one in members.iter_mut().filter(|one| !one.flagged) {
        let receipt = one.postback.receipt;
        let own = amount(one.postback, mapped.terms).money;
        let code = if lets_through(Rule::Occurrence, receipt == holder.receipt) {
            Code::Qualified
        } else if lender.is_some_and(|lender| lender.receipt == receipt) {
            Code::Amendment
        } else if own.is_none() || own == reported.money {
            Code::Duplicate
        } else {
            Code::Conflict
        };
        let own = own.map_or_else(|| String::from("none"), |money| money.to_string());
        if code == Code::Qualified {
            one.trace.pass(Rule::Occurrence, saw([("amount", own)]));
        } else {
            let counts = reported.money.map_or_else(|| String::from("none"), |money| money.to_string());
            one.trace.stop(
                Rule::Occurrence,
                code,
                saw([
                    ("held by receipt", holder.receipt.to_string()),
                    ("amount", own),
                    ("amount that counts", counts),
                ]),
            );
        }
        codes.insert(receipt, code);
    }
    Some(Filled { holder, amount_from: lender.map(|one| one.receipt), reported, mapped, reached_by })
}

fn amount(postback: &Stamped, terms: &EventTerms) -> Reported {
    Reported::of(&postback.claims, terms)
}
