//! The `telemetry` section of every service's settings.

use serde::Deserialize;
use settings::{Problems, Validate};
use tracing_subscriber::EnvFilter;

/// What a process says about itself, and to whom.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// Which log events are written, such as `info` or `info,bus=debug`. Does not touch traces.
    pub log_filter: String,
    /// Base URL of an OTLP/HTTP collector, such as `http://127.0.0.1:4318`. Empty or absent: no spans are sent.
    #[serde(default)]
    pub otlp_endpoint: Option<String>,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self { log_filter: "info".to_owned(), otlp_endpoint: None }
    }
}

impl Validate for TelemetrySettings {
    fn validate(&self, problems: &mut Problems) {
        if let Err(reason) = EnvFilter::try_new(&self.log_filter) {
            problems.add("log_filter", format!("must be a filter such as info,bus=debug: {reason}"));
        }
        if let Some(endpoint) = &self.otlp_endpoint {
            problems.url("otlp_endpoint", endpoint, &["http", "https"]);
        }
    }
}
