//! Metrics of this process, read by Prometheus from the admin port.
//!
//! One registry for the whole process, made at first use: libraries may count before [`crate::init`] and in tests that
//! never call it.

use std::sync::LazyLock;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_prometheus_text_exporter::PrometheusExporter;
use opentelemetry_sdk::metrics::SdkMeterProvider;

/// Bucket bounds for histograms of durations in seconds: from half a millisecond to a minute. OpenTelemetry's own are
/// meant for milliseconds.
pub const SECONDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

struct Registry {
    exporter: PrometheusExporter,
    provider: SdkMeterProvider,
}

// No target_info and no scope labels: the scraper already knows which service and instance it talks to.
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let exporter = PrometheusExporter::builder().without_target_info().without_scope_info().build();
    let provider = SdkMeterProvider::builder().with_reader(exporter.clone()).build();
    Registry { exporter, provider }
});

/// Makes counters, gauges and histograms. Make each instrument once and keep it.
#[must_use]
pub fn meter() -> Meter {
    REGISTRY.provider.meter("gokart")
}

/// Body of `GET /metrics`: everything counted so far, in Prometheus' text format.
#[must_use]
pub fn prometheus_text() -> String {
    let mut text = Vec::new();
    if let Err(failure) = REGISTRY.exporter.export(&mut text) {
        tracing::warn!(error = %failure, "metrics can not be collected");
        return String::new();
    }
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;

    use super::*;

    #[test]
    fn what_is_counted_can_be_scraped() {
        meter().u64_counter("receipts").build().add(3, &[KeyValue::new("tenant", "a\"b\n")]);
        meter().f64_histogram("confirm_seconds").with_boundaries(SECONDS.to_vec()).build().record(0.002, &[]);
        let text = prometheus_text();
        assert!(text.contains(r#"receipts_total{tenant="a\"b\n"} 3"#), "{text}");
        assert!(text.contains(r#"confirm_seconds_bucket{le="0.0025"} 1"#), "{text}");
    }
}
