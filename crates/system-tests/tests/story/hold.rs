//! A pending time of days: reserved at once, told and posted only when it is over.

use std::time::Duration;

use system_tests::{
    Stack,
    guide::Guide,
    truth::{Books, Truth},
};
use test_kit::{FakePublisher, eventually};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_pending_conversion_is_not_told_before_its_time() {
    let stack = Stack::start().await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 7).await.unwrap();
    let truth = Truth::of(&stack).await;
    let click = guide.click("c-1", "m-1").await.unwrap();
    for postback in &Guide::postbacks(&click) {
        assert_eq!(guide.apps_flyer().send(postback).await.status, 200);
    }
    let reserved = Books { reserved: 3_998_000, ..Books::default() };
    eventually("everything is reserved and nothing is posted", SOON, async || {
        let books = truth.books("USD").await;
        if books == reserved { Ok(()) } else { Err(books) }
    })
    .await;
    assert_eq!(truth.conversions().await.get("pending"), Some(&3));

    // The hold is judged by the database's clock; for a test the end of the hold is moved instead of the clock. The
    // Install's end is past now, the others' is not.
    let moved = truth
        .in_payout(
            "UPDATE conversions SET hold_ends_at = now() - interval '1 second'
             WHERE revenue_micros = 1000000 AND status = 'pending'",
        )
        .await;
    assert_eq!(moved, 1);
    let told =
        eventually("the publisher hears of the Install", SOON, async || publisher.deliveries().pop()).await;
    assert_eq!(told.param("event").as_deref(), Some("Install"));
    let half =
        Books { receivable: 1_000_000, payable: 700_000, margin: 300_000, imbalance: 0, reserved: 2_998_000 };
    eventually("the Install is posted and the rest still reserved", SOON, async || {
        let books = truth.books("USD").await;
        if books == half { Ok(()) } else { Err(books) }
    })
    .await;
    assert_eq!(publisher.deliveries().len(), 1, "nothing else was told before its time");
}
