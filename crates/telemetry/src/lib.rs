#![doc = include_str!("../README.md")]

mod error_chain;
mod init;
mod log_line;
mod metrics;
mod panics;
mod settings;
mod trace_context;

pub use error_chain::chain;
pub use init::{
    LOG_ONLY, LogTo, Telemetry, TelemetryError, init, init_logging_to, install_crypto_provider, records_spans,
};
pub use metrics::{SECONDS, meter, prometheus_text};
pub use settings::TelemetrySettings;
pub use trace_context::TraceContext;
