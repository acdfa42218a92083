//! Vetoes, taint, refunds and people: what stands against a conversion beside its own rules.
//!
//! A veto falls on an occurrence whatever arrived first, even when nothing has reached it. A vetoed install taints the
//! whole click; a vetoed step puts higher steps on review; a refund puts on review what it refers to. What a person
//! decided last about a conversion outranks all of it. Rule 15 refuses a conversion without being a veto: the member did
//! the step, and nothing on the click is worse for it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    click::Click,
    code::Code,
    conversion::{Slot, Verdict, VerdictCode},
    examined::Examined,
    inputs::JourneyInputs,
    people::{PersonAct, PersonDecision},
    rules::{
        mapped,
        occurrence::{Filled, slot_of},
        primary::{INSTALL, is_install},
    },
};

/// Everything that stands against conversions of one journey.
#[derive(Debug, Default)]
pub(crate) struct Objections {
    /// The last word of a person, by slot.
    people: BTreeMap<Slot, PersonAct>,
    /// Slots that AppsFlyer flagged.
    flagged: BTreeSet<Slot>,
    /// The install is vetoed.
    tainted: bool,
    /// The lowest number that is vetoed.
    lowest_vetoed: Option<u32>,
    /// Slots that a refund refers to.
    refunded: BTreeSet<Slot>,
    /// Slots that the member has filled through another click.
    member_repeats: BTreeSet<Slot>,
}

impl Objections {
    pub(crate) fn of(
        journey: &JourneyInputs<'_>,
        click: &Click,
        all: &[Examined<'_>],
        filled: &BTreeMap<Slot, Filled<'_>>,
        member_repeats: &BTreeSet<Slot>,
    ) -> Self {
        let people = last_words(&journey.people);
        let flagged: BTreeSet<Slot> = all
            .iter()
            .filter(|one| one.flagged)
            .filter_map(|one| one.mapped.as_ref().map(|mapped| slot_of(one.postback, mapped)))
            .collect();
        let mut objections = Self { people, flagged, ..Self::default() };
        let vetoed: Vec<&Slot> = objections
            .people
            .keys()
            .chain(&objections.flagged)
            .filter(|slot| objections.vetoes(slot))
            .collect();
        let unmapped_install = all.iter().any(|one| {
            let is_unmapped = one.stop.is_some_and(|stop| stop.code == Code::UnmappedEvent);
            one.flagged && is_unmapped && is_install(journey, click, one.postback)
        });
        let tainted = unmapped_install || vetoed.iter().any(|slot| is_install_event(journey, click, slot));
        let lowest_vetoed = vetoed.iter().filter_map(|slot| newest_number(journey, click, slot)).min();
        objections.tainted = tainted;
        objections.lowest_vetoed = lowest_vetoed;
        objections.refunded = refunded(journey, click, all, filled);
        objections.member_repeats.clone_from(member_repeats);
        objections
    }

    fn vetoes(&self, slot: &Slot) -> bool {
        match self.people.get(slot) {
            Some(act) => *act == PersonAct::Reject,
            None => self.flagged.contains(slot),
        }
    }

    /// Whether AppsFlyer flagged the slot, whatever people said since.
    pub(crate) fn is_flagged(&self, slot: &Slot) -> bool {
        self.flagged.contains(slot)
    }

    /// The verdict on a reached slot of this number.
    pub(crate) fn verdict(&self, slot: &Slot, number: Option<u32>) -> (Verdict, VerdictCode) {
        match self.people.get(slot) {
            Some(PersonAct::Reject) => return (Verdict::Vetoed, VerdictCode::RejectedByPerson),
            Some(PersonAct::Approve | PersonAct::Restore | PersonAct::ClearReview) => {
                return (Verdict::Qualified, VerdictCode::AcceptedByPerson);
            }
            None => {}
        }
        let above_veto = self.lowest_vetoed.zip(number).is_some_and(|(vetoed, own)| own > vetoed);
        if self.flagged.contains(slot) {
            (Verdict::Vetoed, VerdictCode::RejectedFraud)
        } else if self.member_repeats.contains(slot) {
            (Verdict::Vetoed, VerdictCode::RejectedMemberRepeat)
        } else if self.tainted {
            (Verdict::OnReview, VerdictCode::ReviewTainted)
        } else if above_veto {
            (Verdict::OnReview, VerdictCode::ReviewVetoedStep)
        } else if self.refunded.contains(slot) {
            (Verdict::OnReview, VerdictCode::ReviewRefund)
        } else {
            (Verdict::Qualified, VerdictCode::Qualified)
        }
    }
}

/// Whether a later version may put more conversions of the journey on review, or fewer: a veto reaches as far as the newest
/// numbers say, and a refund may name an event that is mapped only later.
pub(crate) fn may_reach_further(journey: &JourneyInputs<'_>, all: &[Examined<'_>]) -> bool {
    let refund_of_nothing = |one: &Examined<'_>| {
        one.stop.is_some_and(|stop| stop.code == Code::Refund)
            && one.postback.claims.conversion_id.is_none()
            && journey.click.as_ref().is_none_or(|click| {
                let event_id = mapped::event_id_of(journey, click, one.postback);
                mapped::find(journey, click, &event_id).is_none()
            })
    };
    all.iter().any(|one| one.flagged || refund_of_nothing(one))
        || journey.people.iter().any(|decision| decision.act == PersonAct::Reject)
}

fn last_words(people: &[PersonDecision]) -> BTreeMap<Slot, PersonAct> {
    let mut sorted: Vec<&PersonDecision> = people.iter().collect();
    sorted.sort_by_key(|decision| (decision.decided_at, decision.id));
    sorted
        .into_iter()
        .map(|decision| {
            (Slot { event: decision.event, occurrence: decision.occurrence.clone() }, decision.act)
        })
        .collect()
}

fn is_install_event(journey: &JourneyInputs<'_>, click: &Click, slot: &Slot) -> bool {
    journey
        .offer
        .since_version(click.offer_version)
        .any(|version| version.event(slot.event).is_some_and(|event| event.event_id == INSTALL))
}

fn newest_number(journey: &JourneyInputs<'_>, click: &Click, slot: &Slot) -> Option<u32> {
    journey.offer.newest_with(click.offer_version, slot.event).and_then(|(_, event)| event.number)
}

/// With a conversion id: every occurrence, whatever the event, that a postback with this id reached. Without: every
/// occurrence of the refund's event.
fn refunded(
    journey: &JourneyInputs<'_>,
    click: &Click,
    all: &[Examined<'_>],
    filled: &BTreeMap<Slot, Filled<'_>>,
) -> BTreeSet<Slot> {
    let refunds = all.iter().filter(|one| one.stop.is_some_and(|stop| stop.code == Code::Refund));
    let mut slots = BTreeSet::new();
    for refund in refunds {
        let claims = &refund.postback.claims;
        let event_id = mapped::event_id_of(journey, click, refund.postback);
        let event = mapped::find(journey, click, &event_id).map(|(_, event)| event.id);
        let hit = filled.iter().filter(|(slot, reached)| match &claims.conversion_id {
            Some(id) => reached.reached_by.iter().any(|one| one.claims.conversion_id.as_ref() == Some(id)),
            None => event == Some(slot.event),
        });
        slots.extend(hit.map(|(slot, _)| slot.clone()));
    }
    slots
}
