//! A publisher that is not there at first is told again, about the same conversion, until it is.

use std::time::Duration;

use system_tests::{Stack, guide::Guide, publisher::verify, truth::Truth};
use test_kit::{Answer, FakePublisher, eventually};

#[tokio::test]
async fn a_failed_postback_is_tried_again_with_the_same_id_and_a_fresh_signature() {
    let stack = Stack::start().await;
    let publisher = FakePublisher::start();
    publisher.answer("/postback", [Answer::status(500), Answer::status(200)]);
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let truth = Truth::of(&stack).await;
    let click = guide.click("c-1", "m-1").await.unwrap();
    assert_eq!(guide.apps_flyer().send(&Guide::postbacks(&click)[1]).await.status, 200);

    let told = eventually("the second attempt, five seconds later", Duration::from_secs(40), async || {
        let told = publisher.deliveries();
        if told.len() == 2 { Ok(told) } else { Err(told.len()) }
    })
    .await;
    assert_eq!(told[0].param("conversion"), told[1].param("conversion"));
    assert_eq!(told[0].header("webhook-id"), told[1].header("webhook-id"));
    for attempt in &told {
        verify(&guide.publisher.signing_secret, attempt).unwrap();
    }
    eventually("it is recorded as delivered", Duration::from_secs(30), async || {
        let deliveries = truth.deliveries().await;
        if deliveries.get("delivered") == Some(&1) { Ok(()) } else { Err(deliveries) }
    })
    .await;
}
