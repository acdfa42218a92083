//! Whatever happens in whatever order: no counter grows beyond its bound, and each is the sum of what counts.

use proptest::prelude::*;

use super::*;
use crate::domain::ledger::Books;

/// What may happen to one of a few conversions on one of a few days.
#[derive(Debug, Clone, Copy)]
enum Step {
    Say(Word, i64),
    Decide(Decision),
    Due,
    Bound(Option<i64>, Option<i64>, Option<u64>),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4 * DOLLAR).prop_map(|revenue| Step::Say(QUALIFIED, revenue)),
        1 => (0..4 * DOLLAR).prop_map(|revenue| Step::Say(Word::OnReview { reverses: false }, revenue)),
        2 => (0..4 * DOLLAR).prop_map(|revenue| Step::Say(VETO, revenue)),
        2 => prop::sample::select(Decision::ALL.to_vec()).prop_map(Step::Decide),
        1 => Just(Step::Due),
        1 => (prop::option::of(0..20 * DOLLAR), prop::option::of(0..9 * DOLLAR), prop::option::of(1..6_u64))
            .prop_map(|(total, daily, cap)| Step::Bound(total, daily, cap)),
    ]
}

fn any_action() -> impl Strategy<Value = OverLimit> {
    prop::sample::select(OverLimit::ALL.to_vec())
}

/// What the conversions that count add up to.
fn counted(conversions: &BTreeMap<u128, Conversion>) -> BTreeMap<Counter, (i64, i64)> {
    let mut sums: BTreeMap<Counter, (i64, i64)> = BTreeMap::new();
    for conversion in conversions.values() {
        let Counted::Taken(taken) = conversion.counted else { continue };
        for counter in counters(&conversion.subject, taken.at) {
            let sum = sums.entry(counter).or_default();
            *sum = (sum.0 + 1, sum.1 + taken.amount.amount.0);
        }
    }
    sums
}

/// Whether a counter that said `was` may say `is`: it may stay where it is, however low the bounds are now.
fn may_say(bounds: &Bounds, counter: &Counter, was: (i64, i64), is: (i64, i64)) -> bool {
    let of_offer = counter.event.is_none();
    let mut budgets = bounds.budgets().filter(|(period, _)| of_offer && *period == counter.period);
    let mut caps = bounds.caps.iter().filter(|cap| {
        cap.of.event() == counter.event
            && cap.period == counter.period
            && matches!(cap.of, CapOf::EventByPublisher(_)) == counter.publisher.is_some()
    });
    (is.1 <= was.1 || budgets.all(|(_, bound)| is.1 <= bound.0))
        && (is.0 <= was.0 || caps.all(|cap| u64::try_from(is.0).unwrap() <= cap.bound))
}

proptest! {
    #[test]
    fn nothing_is_ever_counted_beyond_its_limit(
        action in any_action(),
        steps in prop::collection::vec((any_step(), 0..8_u128, 0..3_i64), 0..60),
    ) {
        let mut shop = Shop::open(bounds(Some(10 * DOLLAR), Some(6 * DOLLAR), action, &[]));
        let mut today = 0;
        for (revision, (step, number, later)) in (1..).zip(steps) {
            today += later / 2;
            let now = days(today);
            let before = sums(&shop.usage);
            match step {
                Step::Say(word, revenue) => { shop.say(&verdict(number, revision, word, revenue), now); }
                Step::Decide(decision) => {
                    if shop.conversions.contains_key(&number) {
                        let untouched = shop.conversions[&number].clone();
                        if shop.decide(number, decision, now).is_err() {
                            prop_assert_eq!(&shop.conversions[&number], &untouched);
                        }
                    }
                }
                Step::Due => {
                    if let Some(change) = shop.conversions.get(&number).and_then(|known| on_due(known, days(99))) {
                        shop.conversions.insert(number, change.conversion);
                    }
                }
                Step::Bound(total, daily, cap_bound) => {
                    let caps: Vec<Cap> = cap_bound.into_iter().flat_map(|bound| [
                        cap(CapOf::Offer, Period::Week, bound),
                        cap(CapOf::Event(event(0)), Period::AllTime, bound),
                        cap(CapOf::EventByPublisher(event(1)), Period::Day, bound),
                    ]).collect();
                    shop.bounds = Some(bounds(total, daily, action, &caps));
                }
            }
            let after = sums(&shop.usage);
            let truth: BTreeMap<_, _> = counted(&shop.conversions).into_iter().filter(|(_, sums)| *sums != (0, 0)).collect();
            prop_assert_eq!(&after, &truth, "the counters are the sums of what counts");
            for (counter, is) in &after {
                let was = before.get(counter).copied().unwrap_or_default();
                let bounds = shop.bounds.as_ref().unwrap();
                prop_assert!(may_say(bounds, counter, was, *is), "{:?}: {:?} -> {:?}, {:?}", counter, was, is, bounds);
            }
            for conversion in shop.conversions.values() {
                let holds = conversion.counted.holds() && conversion.standing.status.told().is_some();
                let books = conversion.books != Books::Empty;
                prop_assert!(!books || holds, "the ledger holds only what the limits hold: {:?}", conversion);
            }
        }
    }

    #[test]
    fn a_verdict_redelivered_takes_nothing(
        action in any_action(),
        revenues in prop::collection::vec(0..4 * DOLLAR, 1..12),
    ) {
        let mut shop = Shop::open(bounds(Some(10 * DOLLAR), None, action, &[]));
        for (number, revenue) in (0..).zip(&revenues) {
            shop.qualify(number, *revenue, NOON);
        }
        let (usage, conversions) = (sums(&shop.usage), shop.conversions.clone());
        for (number, revenue) in (0..).zip(&revenues) {
            shop.qualify(number, *revenue, NOON);
            shop.say(&verdict(number, 2, QUALIFIED, *revenue), NOON);
        }
        prop_assert_eq!(sums(&shop.usage), usage);
        for (number, conversion) in conversions {
            prop_assert_eq!(shop.conversions[&number].standing, conversion.standing);
        }
    }
}
