//! Sets up what a process has once: the TLS provider, the log writer, the tracer.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    runtime,
    trace::{Sampler, SdkTracerProvider, span_processor_with_async_runtime::BatchSpanProcessor},
};
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter, ParseError, Targets},
    fmt::{self, format::JsonFields, writer::BoxMakeWriter},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::{SubscriberInitExt, TryInitError},
};

use crate::{log_line::LogLine, panics::log_panics, settings::TelemetrySettings};

/// Target of spans that belong into logs but not into traces, such as the life of a task: every span within would become
/// part of one trace without an end.
pub const LOG_ONLY: &str = "log_only";

/// One export gives up after this; its spans are lost and the log says so.
const EXPORT_LIMIT: Duration = Duration::from_secs(10);
/// A stop waits no longer than this for the collector.
const LAST_EXPORT_LIMIT: Duration = Duration::from_secs(3);

/// See [`records_spans`].
static RECORDS_SPANS: AtomicBool = AtomicBool::new(false);

/// Whether spans of this process go to a collector. Where they do not, a hot path may save making them and pass on the
/// texts of a [`TraceContext`](crate::TraceContext) alone.
#[must_use]
pub fn records_spans() -> bool {
    RECORDS_SPANS.load(Ordering::Relaxed)
}

/// Telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// `telemetry.log_filter` can not be read.
    #[error("can not read the log filter")]
    LogFilter(#[source] ParseError),
    /// There is no HTTP client for spans, for example because the system has no root certificates.
    #[error("can not make the HTTP client for spans")]
    Client(#[source] reqwest::Error),
    /// `telemetry.otlp_endpoint` can not be used.
    #[error("can not make the exporter of spans")]
    Exporter(#[source] ExporterBuildError),
    /// Some other code of this process set up logging before.
    #[error("logging is already set up")]
    AlreadySetUp(#[source] TryInitError),
}

/// Where log lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogTo {
    /// A service: stdout is the log.
    Stdout,
    /// A command whose stdout is its answer.
    Stderr,
}

/// Running telemetry of this process. Spans of the last seconds are lost unless [`Telemetry::shutdown`] is called.
#[derive(Debug)]
#[must_use = "call `shutdown` before the process ends"]
pub struct Telemetry {
    provider: SdkTracerProvider,
}

/// Sets up logs to stdout and, with an endpoint, traces. Call once, inside the runtime, before anything else.
///
/// # Errors
/// One variant of [`TelemetryError`] for each step.
pub fn init(service: &'static str, settings: &TelemetrySettings) -> Result<Telemetry, TelemetryError> {
    init_logging_to(LogTo::Stdout, service, settings)
}

/// Like [`init`], for a process that chooses where its log goes.
///
/// # Errors
/// See [`init`].
pub fn init_logging_to(
    target: LogTo,
    service: &'static str,
    settings: &TelemetrySettings,
) -> Result<Telemetry, TelemetryError> {
    // Before the exporter: its HTTP client panics when there is no provider.
    install_crypto_provider();
    global::set_text_map_propagator(TraceContextPropagator::new());

    let filter = EnvFilter::try_new(&settings.log_filter).map_err(TelemetryError::LogFilter)?;
    let provider = tracer_provider(service, settings.otlp_endpoint.as_deref())?;
    // The log filter must not decide what is traced: a service that logs only warnings still passes on the trace of its
    // caller. So each layer has its own filter.
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("gokart"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(Targets::new().with_default(LevelFilter::INFO).with_target(LOG_ONLY, LevelFilter::OFF));
    tracing_subscriber::registry()
        .with(traces)
        .with(log_layer(target, service).with_filter(filter.and(no_foreign_details())))
        .try_init()
        .map_err(TelemetryError::AlreadySetUp)?;
    log_panics();
    RECORDS_SPANS.store(settings.otlp_endpoint.is_some(), Ordering::Relaxed);
    Ok(Telemetry { provider })
}

/// What no log filter can bring in. Below `info` these libraries quote requests, statements and frames, and secrets
/// travel in all of them: whoever debugs at night must not have to think of that.
fn no_foreign_details() -> Targets {
    const QUOTING: [&str; 14] = [
        "actix_http",
        "actix_server",
        "actix_web",
        "diesel",
        "diesel_async",
        "h2",
        "hyper",
        "hyper_util",
        "lapin",
        "mio",
        "reqwest",
        "rustls",
        "tokio_postgres",
        "tracing_actix_web",
    ];
    QUOTING.iter().fold(Targets::new().with_default(LevelFilter::TRACE), |targets, library| {
        targets.with_target(*library, LevelFilter::INFO)
    })
}

/// Makes *ring* the TLS provider of this process, once; `reqwest`, `lapin` and `tokio-postgres` all use it.
pub fn install_crypto_provider() {
    // An error means that there is one already, which is just as good: the tree holds no other provider.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::trace!("the TLS provider was installed before");
    }
}

fn log_layer<S>(target: LogTo, service: &'static str) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let writer = match target {
        LogTo::Stdout => BoxMakeWriter::new(io::stdout),
        LogTo::Stderr => BoxMakeWriter::new(io::stderr),
    };
    fmt::layer().fmt_fields(JsonFields::new()).event_format(LogLine::of(service)).with_writer(writer)
}

/// Without an endpoint spans get ids (so traces pass through and logs can be joined) but are not recorded.
fn tracer_provider(
    service: &'static str,
    endpoint: Option<&str>,
) -> Result<SdkTracerProvider, TelemetryError> {
    let resource = Resource::builder().with_service_name(service).build();
    let provider = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = endpoint else {
        return Ok(provider.with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff))).build());
    };
    // Our own client: it speaks TLS with the provider installed above, ignores proxies of the environment and gives up.
    let client = reqwest::Client::builder()
        .timeout(EXPORT_LIMIT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(TelemetryError::Client)?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(TelemetryError::Exporter)?;
    // Not `with_batch_exporter`: its thread has no reactor, the async HTTP client panics there and every span is lost
    // without a word.
    let batches = BatchSpanProcessor::builder(exporter, runtime::Tokio).build();
    Ok(provider
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_span_processor(batches)
        .build())
}

impl Telemetry {
    /// Sends the last spans, for at most a few seconds.
    pub async fn shutdown(self) {
        // `shutdown` blocks its thread until the exporter's task, which needs a free one, has answered.
        let last_export = tokio::task::spawn_blocking(move || self.provider.shutdown());
        match tokio::time::timeout(LAST_EXPORT_LIMIT, last_export).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(failure))) => tracing::warn!(reason = %failure, "the last spans were not sent"),
            Ok(Err(failure)) => tracing::warn!(reason = %failure, "the last spans were not sent"),
            Err(_elapsed) => tracing::warn!("the last spans were not sent in time"),
        }
    }
}
