//! One trace, from AppsFlyer's call through every queue and outbox to the publisher's own logs.

use std::time::Duration;

use system_tests::{Stack, StackOptions, guide::Guide};
use test_kit::{FakePublisher, OtlpReceiver, eventually};

#[tokio::test]
async fn the_trace_of_appsflyers_call_reaches_the_publisher() {
    let collector = OtlpReceiver::start();
    let options = StackOptions::new().set_all("TELEMETRY__OTLP_ENDPOINT", &collector.endpoint());
    let stack = Stack::start_with(options).await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let click = guide.click("c-1", "m-1").await.unwrap();
    let install = &Guide::postbacks(&click)[1];
    assert_eq!(guide.apps_flyer().send(install).await.status, 200);

    let told =
        eventually("the publisher is told", Duration::from_secs(30), async || publisher.deliveries().pop())
            .await;
    let traceparent = told.header("traceparent").expect("the publisher's request carries a trace").to_owned();
    let trace_id = traceparent.split('-').nth(1).unwrap().to_owned();

    let call = collector
        .wait_for("ingest's span of AppsFlyer's call", Duration::from_secs(30), |span| {
            span.service == "ingest" && span.trace_id == trace_id
        })
        .await;
    assert!(call.name.starts_with("GET /api/v1/"), "{}", call.name);
    for service in ["attribution", "payout"] {
        collector
            .wait_for(&format!("{service}'s part of the trace"), Duration::from_secs(30), |span| {
                span.service == service
                    && (span.trace_id == trace_id || span.linked_trace_ids.contains(&trace_id))
            })
            .await;
    }
    // Secrets travel in the path and the query; spans hold neither.
    let everything = format!("{:?}", collector.spans());
    assert!(!everything.contains(&guide.credential.signature));
    assert!(!everything.contains(guide.credential.segment.split('/').next().unwrap()));
}
