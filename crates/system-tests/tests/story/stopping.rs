//! What an operator's rolling restart does: told to stop, a service is first not ready, finishes, and exits 0; and the next
//! one goes on.

use std::time::Duration;

use system_tests::{ServiceName, Stack, StackOptions, guide::Guide, load::Load, truth::Truth};
use test_kit::{FakePublisher, eventually};

const CLICKS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_under_load_every_service_finishes_and_exits_zero() {
    let options = StackOptions::new().set_all("STOP__READINESS_LAG_MS", "1000");
    let mut stack = Stack::start_with(options).await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let truth = Truth::of(&stack).await;
    let mut clicks = Vec::new();
    for number in 0..CLICKS {
        clicks.push(guide.click(&format!("c-{number}"), &format!("m-{number}")).await.unwrap());
    }
    let load = Load::start(guide.apps_flyer(), clicks);
    for service in ServiceName::ALL {
        let process = stack.service(service);
        process.terminate();
        eventually(
            &format!("{service:?} says that it is not ready before it is gone"),
            Duration::from_secs(10),
            async || match process.readiness().await {
                Some(503) => Ok(()),
                other => Err(other),
            },
        )
        .await;
        let status = eventually("it ends", Duration::from_secs(40), async || process.ended()).await;
        assert_eq!(status.code(), Some(0), "{service:?}:\n{}", process.log_end());
        process.forget();
        process.start().await;
    }
    let journal = load.finish().await;
    assert_eq!(journal.clicks(), CLICKS);
    let payable = i64::try_from(CLICKS).unwrap() * 2_200_000;
    eventually(
        "everything that was accepted is decided and paid, once",
        Duration::from_secs(60),
        async || {
            let books = truth.books("USD").await;
            if books.payable == payable && books.imbalance == 0 { Ok(()) } else { Err(books) }
        },
    )
    .await;
    assert!(truth.undecided_or_doubled().await.is_empty());
}
