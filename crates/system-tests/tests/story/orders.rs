//! Whatever order the example's postbacks are processed in, the verdict is the same.
//!
//! The stamps are fixed, as ingest would have set them; only the order of *processing* differs. Each of the 120 orders has a
//! journey of its own, and between two of its postbacks the first must have been decided. The pure property test in
//! attribution's domain varies everything else.

use std::{collections::BTreeMap, time::Duration};

use contracts::{Stamp, ingest::PostbackReceived, seal};
use kernel::{CredentialId, FactId, TenantId, Timestamp};
use system_tests::{Stack, guide::Guide, truth::Truth};
use test_kit::{FakePublisher, eventually};
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(60);

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

/// The example's five postbacks in the order of receipt.
fn query(click: &str, place: usize) -> String {
    let event =
        ["level_10", "Install", "Install", "af_purchase&cnv_amount=4.99&cnv_currency=USD", "tutorial_done"]
            [place];
    format!("gk_click_id={click}&cnv_event_id={event}")
}

#[tokio::test]
async fn every_processing_order_ends_in_the_same_verdict() {
    let stack = Stack::start().await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let truth = Truth::of(&stack).await;
    let queue = system_tests::inject::Injector::connect(stack.namespace()).await;

    let orders = orders(5);
    assert_eq!(orders.len(), 120);
    let mut clicks = Vec::new();
    for number in 0..orders.len() {
        clicks.push(guide.click(&format!("c-{number}"), &format!("m-{number}")).await.unwrap());
    }
    eventually("every click has arrived", SOON, async || {
        let arrived = truth.clicks().await.len();
        if arrived == clicks.len() { Ok(()) } else { Err(arrived) }
    })
    .await;

    // Received a second apart, a minute ago.
    let first_received = chrono::Utc::now().timestamp_micros() - 60_000_000;
    let mut journey_of: BTreeMap<Uuid, usize> = BTreeMap::new();
    for step in 0..5 {
        for (number, order) in orders.iter().enumerate() {
            let place = order[step];
            let receipt = Uuid::now_v7();
            journey_of.insert(receipt, number);
            let fact = PostbackReceived {
                tenant_id: guide.tenant.id.parse::<TenantId>().unwrap().to_vec(),
                credential_id: guide.credential.id.parse::<CredentialId>().unwrap().to_vec(),
                credential_generation: 1,
                method: contracts::ingest::HttpMethod::Get.into(),
                query: query(&clicks[number], place).into_bytes(),
                ..PostbackReceived::default()
            };
            let stamp = Stamp {
                fact_id: FactId::from_uuid(receipt),
                tenant: Some(guide.tenant.id.parse().unwrap()),
                recorded_at: Timestamp::from_micros(
                    first_received + i64::try_from(place).unwrap() * 1_000_000,
                ),
                traceparent: String::new(),
                tracestate: String::new(),
            };
            queue.publish::<PostbackReceived>(seal(stamp, &fact)).await;
        }
        eventually("each journey's postback is decided before its next one comes", SOON, async || {
            let decided = truth.decisions().await.len();
            if decided == journey_of.len() { Ok(()) } else { Err((decided, journey_of.len())) }
        })
        .await;
        if step == 0 {
            let waiting = truth.codes().await.get("WAITING_SEQUENCE").copied();
            assert_eq!(
                waiting,
                Some(24),
                "a level without an Install waits, in the 24 orders that begin with it"
            );
        }
    }

    let mut verdicts: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (receipt, code) in truth.decisions().await {
        verdicts.entry(journey_of[&receipt]).or_default().push(code);
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
    eventually("every order is worth the same", SOON, async || {
        let books = truth.books("USD").await;
        if books.payable == 120 * 2_948_500 && books.imbalance == 0 { Ok(()) } else { Err(books) }
    })
    .await;
    assert_eq!(truth.conversion_ids().await.len(), 360);
    assert!(truth.undecided_or_doubled().await.is_empty());
}
