//! What an operator's rolling restart does: told to stop, a service is first not ready, finishes, and exits 0.

use std::time::Duration;

use system_tests::{ServiceName, Stack, guide::Guide, truth::Truth};
use test_kit::{FakePublisher, eventually};

#[tokio::test]
async fn told_to_stop_every_service_finishes_and_exits_zero() {
    let mut stack = Stack::start().await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let truth = Truth::of(&stack).await;
    let click = guide.click("c-1", "m-1").await.unwrap();
    for answered in guide.apps_flyer().send_all(&Guide::postbacks(&click)).await {
        assert_eq!(answered.status, 200);
    }
    for service in ServiceName::ALL {
        let process = stack.service(service);
        process.terminate();
        eventually(
            &format!("{service:?} is not ready before it is gone"),
            Duration::from_secs(10),
            async || !process.is_ready().await,
        )
        .await;
        let status = eventually("it ends", Duration::from_secs(40), async || process.ended()).await;
        assert_eq!(status.code(), Some(0), "{service:?}:\n{}", process.log_end());
    }
    // What was accepted before is finished by the next ones.
    for service in ServiceName::ALL {
        stack.service(service).forget();
        stack.service(service).start().await;
    }
    eventually("everything that was accepted is decided and paid", Duration::from_secs(60), async || {
        let books = truth.books("USD").await;
        if books.payable == 2_948_500 { Ok(()) } else { Err(books) }
    })
    .await;
    assert!(truth.undecided_or_doubled().await.is_empty());
}
