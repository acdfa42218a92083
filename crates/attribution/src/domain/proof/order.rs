//! Order does not matter: for random journeys every processing order ends in the same verdicts and the same codes, and
//! what is delivered again changes nothing. All orders of up to five facts, fifty of more.

use proptest::prelude::*;

use super::{
    cases,
    random::{Journey, end_of_time, journey},
    service::Meaning,
    tape::tape,
};

/// More facts than this have too many orders to try them all.
const ALL_ORDERS_UP_TO: usize = 5;
const SOME_ORDERS: usize = 50;
/// One case here is as much work as so many where there is one order.
const EVERY_ORDER_IS_WORTH: u32 = 10;

fn all_orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in all_orders(count - 1) {
        for place in 0..=shorter.len() {
            let mut order = shorter.clone();
            order.insert(place, count - 1);
            all.push(order);
        }
    }
    all
}

/// Shuffles by a seed that proptest keeps.
fn some_orders(count: usize, mut seed: u64) -> Vec<Vec<usize>> {
    let mut next = |below: usize| {
        // SplitMix64.
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(below).unwrap()).unwrap()
    };
    let shuffled = |_| {
        let mut order: Vec<usize> = (0..count).collect();
        for place in (1..count).rev() {
            order.swap(place, next(place + 1));
        }
        order
    };
    (0..SOME_ORDERS).map(shuffled).collect()
}

fn play(journey: &Journey, order: &[usize], deliveries: impl Fn(usize) -> usize) -> Meaning {
    let mut service = journey.begin();
    let mut revisions = Vec::new();
    for place in order {
        for again in 0..deliveries(*place) {
            service.take(&journey.later[*place]);
            let known = &service.known;
            let now: Vec<_> = known.conversions.values().map(|(revision, one)| (one.id, *revision)).collect();
            assert!(again == 0 || now == revisions, "a second delivery says something");
            revisions = now;
        }
    }
    service.take(&end_of_time());
    service.meaning()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(300, EVERY_ORDER_IS_WORTH), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn every_order_ends_alike(mut tape in tape(), seed in any::<u64>()) {
        let journey = journey(&mut tape);
        let count = journey.later.len();
        let orders =
            if count <= ALL_ORDERS_UP_TO { all_orders(count) } else { some_orders(count, seed) };
        let straight: Vec<usize> = (0..count).collect();
        let expected = play(&journey, &straight, |_| 1);
        for order in orders {
            // Some facts come twice or three times, as a broker may deliver them.
            let found = play(&journey, &order, |place| 1 + (place + order[0]) % 3);
            prop_assert_eq!(&found, &expected, "in the order {:?} of {:#?}", order, journey);
        }
    }

    #[test]
    fn nothing_reached_is_ever_unreached(mut tape in tape()) {
        let journey = journey(&mut tape);
        let mut service = journey.begin();
        let mut reached = Vec::new();
        for happening in journey.later.iter().chain([&end_of_time()]) {
            service.take(happening);
            let now: Vec<_> = service.feed.clone().judge(service.horizon).conversions.iter().map(|one| one.id).collect();
            prop_assert!(reached.iter().all(|before| now.contains(before)), "{:#?}", journey);
            reached = now;
        }
    }
}
