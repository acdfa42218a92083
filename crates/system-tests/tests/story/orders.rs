//! Whatever order the example's postbacks are processed in, the verdict is the same.
//!
//! Here the order of *processing* is varied over real queues; the pure property test in attribution's domain varies
//! everything else. Each order gets a journey of its own, all in one stack.

use std::{collections::BTreeMap, time::Duration};

use system_tests::{Stack, guide::Guide, truth::Truth};
use test_kit::{FakePublisher, eventually};
use uuid::Uuid;

/// Every order of `items` things.
fn orders(items: usize) -> Vec<Vec<usize>> {
    if items == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(items - 1);
    (0..items)
        .flat_map(|place| {
            shorter.iter().map(move |order| {
                let mut order = order.clone();
                order.insert(place, items - 1);
                order
            })
        })
        .collect()
}

#[tokio::test]
async fn every_processing_order_ends_in_the_same_verdict() {
    let stack = Stack::start().await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let truth = Truth::of(&stack).await;
    let apps_flyer = guide.apps_flyer();

    // Two of the five are the same postback, so 120 orders are 60 different ones; all 120 are played.
    let orders = orders(5);
    assert_eq!(orders.len(), 120);
    let mut receipts: BTreeMap<Uuid, usize> = BTreeMap::new();
    for (number, order) in orders.iter().enumerate() {
        let click = guide.click(&format!("c-{number}"), &format!("m-{number}")).await.unwrap();
        let postbacks = Guide::postbacks(&click);
        for place in order {
            let answered = apps_flyer.send(&postbacks[*place]).await;
            assert_eq!(answered.status, 200);
            receipts.insert(answered.receipt().parse().unwrap(), number);
        }
    }

    let decisions = eventually("every order ends in its verdict", Duration::from_secs(60), async || {
        let decisions = truth.decisions().await;
        let waiting = decisions.values().filter(|code| code.starts_with("WAITING")).count();
        if decisions.len() == receipts.len() && waiting == 0 {
            Ok(decisions)
        } else {
            Err((decisions.len(), waiting))
        }
    })
    .await;
    let mut verdicts: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (receipt, code) in decisions {
        verdicts.entry(receipts[&receipt]).or_default().push(code);
    }
    for (number, codes) in &mut verdicts {
        codes.sort();
        assert_eq!(
            codes.as_slice(),
            ["DUPLICATE", "QUALIFIED", "QUALIFIED", "QUALIFIED", "UNMAPPED_EVENT"],
            "in the order {:?}",
            orders[*number]
        );
    }
    eventually("every order is worth the same", Duration::from_secs(60), async || {
        let books = truth.books("USD").await;
        if books.payable == 120 * 2_948_500 && books.imbalance == 0 { Ok(()) } else { Err(books) }
    })
    .await;
    assert!(truth.undecided_or_doubled().await.is_empty());
}
