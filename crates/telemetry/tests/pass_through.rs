//! Without a collector traces still pass through.

use telemetry::{TelemetryError, TelemetrySettings, TraceContext};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_a_trace_still_passes_through() {
    let settings = TelemetrySettings { log_filter: "error".to_owned(), otlp_endpoint: None };
    let telemetry = telemetry::init("ingest", &settings).unwrap();

    let continued = tracing::info_span!("receive");
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    TraceContext { traceparent: caller.to_owned(), tracestate: String::new() }.set_parent(&continued);
    assert!(TraceContext::of_span(&continued).traceparent.contains("0af7651916cd43dd8448eb211c80319c"));

    let fresh = TraceContext::of_span(&tracing::info_span!(parent: None, "sweep"));
    assert!(fresh.traceparent.ends_with("-00"), "has ids, is not sampled: {fresh:?}");

    assert!(matches!(telemetry::init("again", &settings), Err(TelemetryError::AlreadySetUp(_))));
    telemetry.shutdown().await;
}
