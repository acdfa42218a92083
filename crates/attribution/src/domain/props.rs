//! Order does not matter: for random small offers and sets of facts, every processing order ends in the same verdicts
//! and the same codes, and what is delivered again changes nothing.

use std::collections::BTreeMap;

use kernel::Timestamp;
use proptest::prelude::*;

use super::{
    Click, Code, JourneyVerdict, OfferEvent, ReachedBy, Stamped, Verdict, VerdictCode, Version,
    samples::{CLICKED, DAY, Feed, HOUR, at, click, event, postback, version},
};

/// One thing that happens to a journey.
#[derive(Debug, Clone)]
enum Happening {
    Click(Click),
    Postback(Box<Stamped>),
    Version(Version),
}

fn offer_event(place: u128) -> impl Strategy<Value = OfferEvent> {
    let number = prop_oneof![1 => Just(None), 4 => (1..4_u32).prop_map(Some)];
    let min_time = prop_oneof![3 => Just(None), 1 => (1..4_i64).prop_map(|hours| Some(hours * HOUR))];
    let deadline = prop_oneof![3 => Just(None), 1 => Just(Some(1_u16))];
    (number, min_time, deadline, any::<bool>()).prop_map(move |(number, min_time, deadline, repetitions)| {
        let name = if place == 1 { String::from("Install") } else { format!("event_{place}") };
        let mut event = event(place, &name, number);
        event.terms.min_time_seconds = min_time;
        event.terms.deadline_days = deadline;
        event.terms.repetitions_allowed = repetitions;
        event
    })
}

fn an_offer() -> impl Strategy<Value = Version> {
    let rules = proptest::collection::btree_map(
        1..4_u32,
        prop_oneof![Just(ReachedBy::All), Just(ReachedBy::Any)],
        0..3,
    );
    ((offer_event(1), offer_event(2), offer_event(3), offer_event(4)), 1..5_usize, rules).prop_map(
        |((a, b, c, d), count, rules)| {
            let mut offer = version(1, vec![a, b, c, d].into_iter().take(count).collect());
            offer.reached_by = rules;
            offer.grace_seconds = 12 * HOUR;
            offer
        },
    )
}

/// A later version: other numbers, perhaps another name, never another meaning.
fn a_successor(first: &Version, numbers: &[Option<u32>], renamed: bool) -> Version {
    let mut next = first.clone();
    next.number = 2;
    for (event, number) in next.events.iter_mut().zip(numbers) {
        event.number = *number;
    }
    if let Some(event) = next.events.last_mut().filter(|_| renamed) {
        event.event_id = String::from("renamed");
    }
    next
}

fn a_postback(receipt: u128) -> impl Strategy<Value = Stamped> {
    let name = prop_oneof![
        6 => (1..5_u128).prop_map(|place| if place == 1 { String::from("Install") } else { format!("event_{place}") }),
        1 => Just(String::from("renamed")),
        1 => Just(String::from("unheard_of")),
    ];
    let amount = prop_oneof![3 => Just(None), 2 => (4..6_i64).prop_map(Some), 1 => Just(Some(-4))];
    let event_time = prop_oneof![1 => Just(None), 2 => (0..30_i64).prop_map(Some)];
    let conversion_id = prop_oneof![2 => Just(None), 1 => "[ab]".prop_map(Some)];
    (name, 0..40_i64, event_time, amount, conversion_id, proptest::bool::weighted(0.15)).prop_map(
        move |(name, received, event_time, amount, conversion_id, is_flagged)| {
            let mut one = postback(receipt, &name, received * HOUR);
            one.claims.event_time = event_time.map(|hours| at(CLICKED + hours * HOUR));
            one.claims.amount = amount.map(|units| kernel::Micros(units * 1_000_000));
            one.claims.conversion_id = conversion_id;
            one.claims.blocked = is_flagged.then(|| String::from("bots"));
            one
        },
    )
}

/// A first version that is known from the start, and what happens after it.
fn a_journey() -> impl Strategy<Value = (Version, Vec<Happening>)> {
    let postbacks = (1..5_usize, [a_postback(1), a_postback(2), a_postback(3), a_postback(4)])
        .prop_map(|(count, all)| all.into_iter().take(count).collect::<Vec<_>>());
    let numbers = proptest::collection::vec(prop_oneof![Just(None), (1..4_u32).prop_map(Some)], 4);
    (an_offer(), postbacks, proptest::option::of(numbers), any::<bool>()).prop_map(
        |(offer, postbacks, numbers, renamed)| {
            let mut happenings: Vec<Happening> =
                postbacks.into_iter().map(|one| Happening::Postback(Box::new(one))).collect();
            if let Some(numbers) = numbers {
                happenings.truncate(3);
                happenings.push(Happening::Version(a_successor(&offer, &numbers, renamed)));
            }
            happenings.push(Happening::Click(click()));
            (offer, happenings)
        },
    )
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in orders(count - 1) {
        for place in 0..=shorter.len() {
            let mut order = shorter.clone();
            order.insert(place, count - 1);
            all.push(order);
        }
    }
    all
}

fn end_of_time() -> Timestamp {
    at(CLICKED + 100 * DAY)
}

fn play(offer: &Version, happenings: &[Happening], order: &[usize], twice: bool) -> JourneyVerdict {
    let mut feed = Feed::new(vec![offer.clone()]);
    feed.click = None;
    for place in order {
        for _ in 0..=usize::from(twice) {
            match &happenings[*place] {
                Happening::Click(click) => feed.click = Some(click.clone()),
                Happening::Version(version) => {
                    feed.offer.versions.insert(version.number, version.clone());
                }
                Happening::Postback(postback) => {
                    if !feed.postbacks.iter().any(|known| known.receipt == postback.receipt) {
                        feed.postbacks.push(postback.as_ref().clone());
                    }
                }
            }
            feed.judge(at(CLICKED));
        }
    }
    feed.judge(end_of_time())
}

/// What must not depend on the order: codes with repeats counted together, verdicts by slot, and amounts where no
/// conflict is recorded.
#[derive(Debug, PartialEq, Eq)]
struct Meaning {
    codes: BTreeMap<&'static str, usize>,
    verdicts: BTreeMap<kernel::ConversionId, (Verdict, VerdictCode, Option<kernel::Money>)>,
}

fn meaning(verdict: &JourneyVerdict) -> Meaning {
    let mut codes = BTreeMap::new();
    for decision in &verdict.decisions {
        let word = if decision.code.is_repeat() { "repeat" } else { decision.code.as_str() };
        *codes.entry(word).or_default() += 1;
    }
    let conflict = verdict.decisions.iter().any(|decision| decision.code == Code::Conflict);
    let verdicts = verdict
        .conversions
        .iter()
        .map(|one| {
            let amount = one.reported.money.filter(|_| !conflict);
            (one.id, (one.verdict, one.code, amount))
        })
        .collect();
    Meaning { codes, verdicts }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_order_ends_alike((offer, happenings) in a_journey()) {
        let mut all = orders(happenings.len()).into_iter();
        let straight = meaning(&play(&offer, &happenings, &all.next().unwrap(), false));
        for order in all {
            prop_assert_eq!(&meaning(&play(&offer, &happenings, &order, false)), &straight, "{:?}", order);
        }
    }

    #[test]
    fn redelivery_changes_nothing((offer, happenings) in a_journey()) {
        let order: Vec<usize> = (0..happenings.len()).collect();
        prop_assert_eq!(play(&offer, &happenings, &order, true), play(&offer, &happenings, &order, false));
    }

    #[test]
    fn nothing_reached_is_ever_unreached((offer, happenings) in a_journey()) {
        let mut feed = Feed::new(vec![offer]);
        let mut reached: Vec<kernel::ConversionId> = Vec::new();
        for happening in happenings {
            match happening {
                Happening::Click(click) => feed.click = Some(click),
                Happening::Version(version) => { feed.offer.versions.insert(version.number, version); }
                Happening::Postback(postback) => feed.postbacks.push(*postback),
            }
            let now: Vec<_> = feed.judge(end_of_time()).conversions.iter().map(|one| one.id).collect();
            prop_assert!(reached.iter().all(|before| now.contains(before)));
            reached = now;
        }
    }
}
