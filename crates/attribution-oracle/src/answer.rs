//! Occurrences, and what stands against them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    alone::{Alone, alone, event_named},
    case::{Act, Case, Click, Person, Postback, Terms},
    sequence::sequence,
};

/// An event and the key of one of its occurrences.
pub type Slot = (u64, String);

/// What is said of a postback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// This code.
    Code(&'static str),
    /// It counts for an occurrence: as the one that holds it, or as a repeat.
    CountsFor(Slot),
}

/// How an occurrence that is reached stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Why the conversion stands as it does.
    pub code: &'static str,
    /// The code of whoever holds it; none when only flagged ones reached it.
    pub holder: Option<&'static str>,
    /// The amounts that may stand, with their currencies; empty: none.
    pub amounts: BTreeSet<(i64, String)>,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// By receipt.
    pub postbacks: BTreeMap<u64, Said>,
    /// Every occurrence that is reached.
    pub conversions: BTreeMap<Slot, Standing>,
}

/// Answers from the whole set.
#[must_use]
pub fn answer(case: &Case) -> Answer {
    let distinct: BTreeMap<u64, &Postback> = case.postbacks.iter().map(|one| (one.receipt, one)).collect();
    let all: Vec<Alone<'_>> = distinct.values().map(|postback| alone(case, postback)).collect();
    let mut answer = Answer::default();
    let Some(click) = &case.click else {
        answer.postbacks = all.iter().map(|one| (one.postback.receipt, said_alone(one))).collect();
        return answer;
    };
    let (passing, refused) = sequence(case, click, &all);
    let passed = |one: &&Alone<'_>| passing.contains(&one.postback.receipt);
    for one in &all {
        let receipt = one.postback.receipt;
        let said = if one.flagged {
            Said::Code("REJECTED_FRAUD")
        } else if let (true, Some(slot)) = (passing.contains(&receipt), slot_of(one)) {
            Said::CountsFor(slot)
        } else {
            refused.get(&receipt).map_or_else(|| said_alone(one), |code| Said::Code(code))
        };
        answer.postbacks.insert(receipt, said);
    }
    let against = Against::of(case, click, &all, &passing);
    let reached: BTreeSet<Slot> = all.iter().filter(passed).filter_map(slot_of).collect();
    for slot in reached {
        let here = |flagged: bool| {
            all.iter()
                .filter(passed)
                .filter(move |one| one.flagged == flagged)
                .filter(|one| slot_of(one).as_ref() == Some(&slot))
        };
        let is_held = here(false).next().is_some();
        let amounts = here(!is_held).filter_map(amount_of).collect();
        let repeatable =
            here(true).chain(here(false)).filter_map(|one| one.event).any(|(_, terms)| terms.repeats);
        let member_repeat =
            is_held && !repeatable && click.has_member && case.done_elsewhere.contains(&slot.0);
        let holder = is_held.then_some(if member_repeat { "REJECTED_MEMBER_REPEAT" } else { "QUALIFIED" });
        let code = against.code(case, click, &slot, member_repeat);
        answer.conversions.insert(slot, Standing { code, holder, amounts });
    }
    answer
}

fn said_alone(one: &Alone<'_>) -> Said {
    Said::Code(if one.flagged { "REJECTED_FRAUD" } else { one.stopped.unwrap_or("QUALIFIED") })
}

fn slot_of(one: &Alone<'_>) -> Option<Slot> {
    let (event, terms) = one.event?;
    Some((event, occurrence(one.postback, terms)))
}

fn occurrence(postback: &Postback, terms: &Terms) -> String {
    match (&postback.conversion_id, postback.event_time) {
        _ if !terms.repeats => String::from("once"),
        (Some(id), _) => format!("id:{id}"),
        (None, Some(at)) => format!("at:{}", at.div_euclid(1_000)),
        (None, None) => String::from("once"),
    }
}

fn amount_of(one: &Alone<'_>) -> Option<(i64, String)> {
    let (_, terms) = one.event?;
    let own = one
        .postback
        .amount
        .map(|amount| (amount, one.postback.currency.clone().unwrap_or_else(|| terms.currency.clone())));
    own.or_else(|| one.postback.usd.map(|amount| (amount, String::from("USD"))))
}

/// What stands against conversions of the click.
struct Against {
    last_words: BTreeMap<Slot, Act>,
    flagged: BTreeSet<Slot>,
    tainted: bool,
    vetoed_numbers: BTreeSet<u32>,
    refunded: BTreeSet<Slot>,
}

impl Against {
    fn of(case: &Case, click: &Click, all: &[Alone<'_>], passing: &BTreeSet<u64>) -> Self {
        let mut people: Vec<&Person> = case.people.iter().collect();
        people.sort_by_key(|person| person.stamp);
        let last_words: BTreeMap<Slot, Act> = people
            .into_iter()
            .map(|person| ((person.event, person.occurrence.clone()), person.act))
            .collect();
        let flagged: BTreeSet<Slot> = all.iter().filter(|one| one.flagged).filter_map(slot_of).collect();
        let vetoed: BTreeSet<&Slot> = flagged
            .iter()
            .filter(|slot| !last_words.contains_key(slot))
            .chain(last_words.iter().filter(|(_, act)| **act == Act::Reject).map(|(slot, _)| slot))
            .collect();
        let was_install = |event: u64| {
            let mut events = case.speaking(click).into_iter().flat_map(|version| &version.events);
            events.any(|one| one.id == event && one.name == "Install")
        };
        let unmapped_install = all.iter().any(|one| {
            one.flagged && one.stopped == Some("UNMAPPED_EVENT") && one.postback.event == "Install"
        });
        let tainted = unmapped_install || vetoed.iter().any(|(event, _)| was_install(*event));
        let vetoed_numbers = vetoed
            .iter()
            .filter_map(|(event, _)| case.newest(click, *event).and_then(|(_, event)| event.number))
            .collect();
        let refunded = refunded(case, click, all, passing);
        Self { last_words, flagged, tainted, vetoed_numbers, refunded }
    }

    fn code(&self, case: &Case, click: &Click, slot: &Slot, member_repeat: bool) -> &'static str {
        match self.last_words.get(slot) {
            Some(Act::Accept) => return "ACCEPTED_BY_PERSON",
            Some(Act::Reject) => return "REJECTED_BY_PERSON",
            None => {}
        }
        let number = case.newest(click, slot.0).and_then(|(_, event)| event.number);
        let above = number.is_some_and(|number| self.vetoed_numbers.iter().any(|vetoed| *vetoed < number));
        if self.flagged.contains(slot) {
            "REJECTED_FRAUD"
        } else if member_repeat {
            "REJECTED_MEMBER_REPEAT"
        } else if self.tainted {
            "REVIEW_TAINTED"
        } else if above {
            "REVIEW_VETOED_STEP"
        } else if self.refunded.contains(slot) {
            "REVIEW_REFUND"
        } else {
            "QUALIFIED"
        }
    }
}

fn refunded(case: &Case, click: &Click, all: &[Alone<'_>], passing: &BTreeSet<u64>) -> BTreeSet<Slot> {
    let mut slots = BTreeSet::new();
    for refund in all.iter().filter(|one| one.stopped == Some("REFUND")) {
        let meant = case
            .speaking(click)
            .into_iter()
            .find_map(|version| event_named(version, &refund.postback.event))
            .map(|event| event.id);
        for one in all.iter().filter(|one| passing.contains(&one.postback.receipt)) {
            let hit = match &refund.postback.conversion_id {
                Some(id) => one.postback.conversion_id.as_ref() == Some(id),
                None => one.event.map(|(event, _)| event) == meant,
            };
            slots.extend(slot_of(one).filter(|_| hit));
        }
    }
    slots
}
