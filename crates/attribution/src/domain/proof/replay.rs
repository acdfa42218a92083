//! Replay, on random journeys: the recorded terms give no difference, nothing told is taken back, and whether a replay comes
//! before or after the rest does not matter.

use proptest::prelude::*;

use super::{
    cases,
    random::{Journey, end_of_time, journey},
    service::{Happening, Service},
    tape::{Tape, tape},
};
use crate::domain::{
    Code, Verdict, VerdictCode, judge,
    replay::{Worth, add, compare, under},
};

/// Every version is there from the beginning: a replay names one that is known.
fn with_versions(tape: &mut Tape) -> (Journey, Vec<u32>) {
    let mut journey = journey(tape);
    let is_version = |one: &Happening| matches!(one, Happening::Version(_));
    let (versions, later) = journey.later.into_iter().partition(is_version);
    journey.later = later;
    journey.at_first.extend::<Vec<Happening>>(versions);
    let number = |one: &Happening| {
        if let Happening::Version(version) = one { Some(version.number) } else { None }
    };
    let numbers = journey.at_first.iter().filter_map(number).collect();
    (journey, numbers)
}

fn played(journey: &Journey) -> Service {
    let mut service = journey.begin();
    for happening in journey.later.iter().chain([&end_of_time()]) {
        service.take(happening);
    }
    service
}

const fn worth_nothing(_: &crate::domain::Conversion) -> Worth {
    Worth::Unpriced("", None)
}

/// Whether the same step is another occurrence under the chosen terms: then who was told first stays.
fn counts_otherwise(service: &Service, version: u32) -> bool {
    let repeats = |number: u32| {
        let events = service.feed.offer.versions.get(&number).into_iter().flat_map(|version| &version.events);
        events.map(|event| (event.id, event.terms.repetitions_allowed)).collect::<Vec<_>>()
    };
    let own = service.feed.click.as_ref().map_or(version, |click| click.offer_version);
    let (own, chosen) = (repeats(own), repeats(version));
    let introduced = service.feed.offer.versions.values().flat_map(|version| &version.events);
    let introduced: Vec<_> =
        introduced.map(|event| (event.id, event.introduced_terms.repetitions_allowed)).collect();
    let of = |terms: &[_], event| {
        terms.iter().find(|(id, _)| *id == event).map(|(_, repeats): &(_, bool)| *repeats)
    };
    introduced.iter().any(|(event, at_first)| {
        of(&own, *event).unwrap_or(*at_first) != of(&chosen, *event).unwrap_or(*at_first)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(1_000, 1), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn replayed_as_recorded_nothing_differs(mut tape in tape()) {
        let (journey, versions) = with_versions(&mut tape);
        let mut service = played(&journey);
        for version in [None].into_iter().chain(versions.into_iter().map(Some)) {
            // Also once it has been replayed for real.
            if let Some(version) = version {
                service.take(&Happening::Replayed(version));
            }
            let verdict = judge(&service.feed.inputs(), service.horizon);
            let report = compare(&service.known, &verdict, &verdict, worth_nothing);
            prop_assert!(report.is_same(), "{:#?} of {:#?}", report, journey);
        }
    }

    #[test]
    fn replaying_takes_nothing_back(mut tape in tape()) {
        let (journey, versions) = with_versions(&mut tape);
        let mut service = played(&journey);
        for version in versions {
            let before = service.known.clone();
            let inputs = service.feed.inputs();
            let own = judge(&inputs, service.horizon);
            let chosen = under(&inputs, &own, version, service.horizon);
            let after = add(own, chosen, &inputs.held);
            for (id, (_, told)) in &before.conversions {
                let now = after.conversions.iter().find(|one| one.id == *id);
                prop_assert!(now.is_some(), "un-reached: {:?} of {:#?}", told, journey);
                let now = now.unwrap();
                if told.verdict == Verdict::Qualified {
                    let is_kept = now.verdict == Verdict::Qualified;
                    let is_on_review = (now.verdict, now.code) == (Verdict::OnReview, VerdictCode::ReviewReplay);
                    prop_assert!(is_kept || is_on_review, "{:?} became {:?} of {:#?}", told, now, journey);
                    prop_assert_eq!(told.terms, now.terms, "{:?} became {:?} by {} after {:?} of {:#?}", told, now, version, inputs.replayed, journey);
                    let is_same = told.reported == now.reported || told.amount_from.is_none();
                    prop_assert!(is_same, "{:?} became {:?} of {:#?}", told, now, journey);
                }
                if told.code.is_a_persons() {
                    prop_assert_eq!((told.verdict, told.code), (now.verdict, now.code));
                }
            }
            for decision in &after.decisions {
                let was = before.decisions.get(&decision.receipt).map(|known| known.code);
                prop_assert!(was != Some(Code::Qualified) || decision.code == Code::Qualified, "{:#?}", journey);
            }
            let counts = |code: Code| matches!(code, Code::Qualified | Code::RejectedMemberRepeat);
            for decision in after.decisions.iter().filter(|one| counts(one.code)) {
                let is_holder = after.conversions.iter().any(|one| one.holder == decision.receipt);
                prop_assert!(is_holder, "{:?} holds nothing of {:#?}", decision.receipt, journey);
            }
            // One step earns once: every holder holds one conversion of its event.
            let mut holders: Vec<_> = after.conversions.iter().map(|one| (one.event, one.holder)).collect();
            holders.sort_unstable();
            let count = holders.len();
            holders.dedup();
            prop_assert_eq!(count, holders.len(), "{:#?} of {:#?}", after.conversions, journey);
            // For real it is what the dry run said, and twice is once.
            service.take(&Happening::Replayed(version));
            let known = service.known.clone();
            for conversion in &after.conversions {
                prop_assert_eq!(known.conversions.get(&conversion.id).map(|(_, one)| one), Some(conversion));
            }
            service.take(&Happening::Replayed(version));
            prop_assert_eq!(&known.conversions, &service.known.conversions, "{:#?}", journey);
        }
    }

    #[test]
    fn a_replay_may_come_at_any_time(mut tape in tape(), seed in any::<prop::sample::Index>()) {
        let (mut journey, versions) = with_versions(&mut tape);
        // Not covered: a flagged one that holds alone, and whose amount counts; the first committed stays.
        for happening in &mut journey.later {
            if let Happening::Postback(postback) = happening {
                let claims = postback.claims_mut();
                (claims.blocked, claims.amount, claims.amount_usd) = (None, None, None);
            }
        }
        let version = versions[seed.index(versions.len())];
        let mut last = played(&journey);
        last.take(&Happening::Replayed(version));
        if counts_otherwise(&last, version) {
            return Ok(());
        }
        for place in 0..=journey.later.len() {
            let mut earlier = journey.clone();
            earlier.later.insert(place, Happening::Replayed(version));
            let mut earlier = played(&earlier);
            earlier.take(&end_of_time());
            prop_assert_eq!(earlier.meaning(), last.meaning(), "at {} of {:#?}", place, journey);
        }
    }
}
