//! The span of a request, its metric and its one line of access log.
//!
//! Credentials travel in the path and personal data in the query and the headers, so none of these is ever recorded:
//! of the path only the *pattern* of the route that matched. The caller's trace (`traceparent`) is joined.

use std::{
    borrow::Cow,
    sync::OnceLock,
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage as _,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode, header::HeaderMap},
};
use opentelemetry::{KeyValue, metrics::Histogram};
use telemetry::TraceContext;
use tracing::{Level, Span, field};
use tracing_actix_web::RootSpanBuilder;

use crate::{problem::Problem, request_id::RequestId};

/// A W3C `traceparent` of version 00 has 55 characters; longer ones belong to versions nobody speaks.
const TRACEPARENT_LIMIT_BYTES: usize = 64;
/// W3C asks to carry at least 512 characters of `tracestate`.
const TRACESTATE_LIMIT_BYTES: usize = 512;

/// How loud the line of each request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessLog {
    /// One line a request at `info`: for APIs that people and services call.
    #[default]
    Info,
    /// One line a request at `debug`: for hot paths, where the metric says the same at a thousandth of the price.
    Debug,
}

/// Builds the span of a request; see the module's text for what it leaves out.
pub struct RootSpan;

/// What the end of a request must know of its start.
struct Started {
    at: Instant,
    route: Cow<'static, str>,
    method: &'static str,
}

impl RootSpanBuilder for RootSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let route = request.match_pattern().map_or(Cow::Borrowed("unmatched"), Cow::Owned);
        let method = known_method(request.method());
        let id = request.extensions().get::<RequestId>().copied();
        let span = span(method, &route, id);
        if let Some(parent) = caller_trace(request.headers()) {
            parent.set_parent(&span);
        }
        request.extensions_mut().insert(Started { at: Instant::now(), route, method });
        span
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        record_end(&span, status);
        log_cause(outcome, status);

        // After a panic the request is gone, and its route and start with it; the error line above stands for it.
        let Ok(response) = outcome else { return };
        let request = response.request();
        let extensions = request.extensions();
        let Some(started) = extensions.get::<Started>() else { return };
        let elapsed = started.at.elapsed();
        durations().record(elapsed.as_secs_f64(), &labels(started.route.clone(), started.method, status));
        let duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let status = status.as_u16();
        let access_log = request.app_data::<AccessLog>().copied().unwrap_or_default();
        match access_log {
            AccessLog::Info => tracing::info!(http.status = status, duration_us, "request served"),
            AccessLog::Debug => tracing::debug!(http.status = status, duration_us, "request served"),
        }
    }
}

/// The one place where the cause of a 5xx is logged, with its whole chain. Causes of 4xx are for `debug`.
fn log_cause<B>(outcome: &Result<ServiceResponse<B>, Error>, status: StatusCode) {
    let error = match outcome {
        Ok(response) => response.response().error(),
        Err(error) => Some(error),
    };
    let Some(error) = error else { return };
    match error.as_error::<Problem>() {
        Some(problem) => log_problem(problem, status),
        // A foreign error's text may quote the request: its status must do.
        None => log_line("foreign_error", None, status),
    }
}

/// Logs a problem, in the span that is entered here.
pub(crate) fn log_problem(problem: &Problem, status: StatusCode) {
    let cause = problem.cause().map(|cause| telemetry::chain(cause));
    log_line(problem.code(), cause.as_deref(), status);
}

fn log_line(code: &'static str, cause: Option<&str>, status: StatusCode) {
    if status.is_server_error() {
        tracing::error!(problem.code = code, error = cause, "request failed");
    } else if tracing::enabled!(Level::DEBUG) {
        tracing::debug!(problem.code = code, error = cause, "request refused");
    }
}

/// The span of a request.
pub(crate) fn span(method: &'static str, route: &str, id: Option<RequestId>) -> Span {
    tracing::info_span!(
        "http.request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = %route,
        http.response.status_code = field::Empty,
        request.id = id.map(field::display),
        // Filled in by `Caller`: ids yes, people and secrets never.
        tenant.id = field::Empty,
        token.id = field::Empty,
    )
}

/// What a span learns at its end.
pub(crate) fn record_end(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    span.record("otel.status_code", if status.is_server_error() { "ERROR" } else { "OK" });
}

/// The trace that a caller's headers continue, when they name one.
pub(crate) fn caller_trace(headers: &HeaderMap) -> Option<TraceContext> {
    let text = |name: &str, limit: usize| {
        headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| text.len() <= limit)
    };
    Some(TraceContext {
        traceparent: text("traceparent", TRACEPARENT_LIMIT_BYTES)?.to_owned(),
        tracestate: text("tracestate", TRACESTATE_LIMIT_BYTES).unwrap_or_default().to_owned(),
    })
}

/// A caller may invent methods; labels of a metric must not grow with them.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

fn labels(route: Cow<'static, str>, method: &'static str, status: StatusCode) -> [KeyValue; 3] {
    let route = match route {
        Cow::Borrowed(route) => KeyValue::new("http.route", route),
        Cow::Owned(route) => KeyValue::new("http.route", route),
    };
    [
        route,
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
    ]
}

/// The metric of one route, with the labels of its usual answers made once.
pub(crate) struct Measured {
    route: &'static str,
    method: &'static str,
    usual: [(StatusCode, [KeyValue; 3]); 2],
}

impl Measured {
    pub(crate) fn of(route: &'static str, method: &'static str) -> Self {
        let usual = [StatusCode::OK, StatusCode::FOUND]
            .map(|status| (status, labels(Cow::Borrowed(route), method, status)));
        Self { route, method, usual }
    }

    pub(crate) fn record(&self, elapsed: Duration, status: StatusCode) {
        match self.usual.iter().find(|(usual, _labels)| *usual == status) {
            Some((_status, labels)) => durations().record(elapsed.as_secs_f64(), labels),
            None => durations()
                .record(elapsed.as_secs_f64(), &labels(Cow::Borrowed(self.route), self.method, status)),
        }
    }
}

fn durations() -> &'static Histogram<f64> {
    static DURATIONS: OnceLock<Histogram<f64>> = OnceLock::new();
    DURATIONS.get_or_init(|| {
        telemetry::meter()
            .f64_histogram("http.server.request.duration")
            .with_unit("s")
            .with_boundaries(telemetry::SECONDS.to_vec())
            .with_description("time from a request's head to its answer's head, by route pattern")
            .build()
    })
}
