//! Which trace something belongs to, as the two texts of [W3C Trace Context](https://www.w3.org/TR/trace-context/).
//!
//! The texts travel in HTTP headers and in every item of the bus. A consumer that works on one item *continues* its trace
//! ([`TraceContext::set_parent`]); one that works on a batch has many parents and *links* them ([`TraceContext::link`]).

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::TraceContextExt,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
/// The standard asks to carry at least this much; what is longer is dropped, it comes from strangers.
const TRACESTATE_BYTES_MAX: usize = 512;

/// A place in a trace. Empty texts: no trace.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// Version, trace id, span id and flags: `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
    pub traceparent: String,
    /// What other tracing systems want carried along; opaque.
    pub tracestate: String,
}

impl TraceContext {
    /// The place of the span that is entered here.
    #[must_use]
    pub fn current() -> Self {
        Self::of_span(&Span::current())
    }

    /// The place of a span. Fixes the span's own parent: [`TraceContext::set_parent`] comes before.
    #[must_use]
    pub fn of_span(span: &Span) -> Self {
        let mut texts = Self::default();
        TraceContextPropagator::new().inject_context(&span.context(), &mut texts);
        texts
    }

    /// Makes `span` continue this trace. Must be called before the span is first entered; does nothing when these texts
    /// are empty or not valid.
    pub fn set_parent(&self, span: &Span) {
        let parent = self.remote();
        if !parent.span().span_context().is_valid() {
            return;
        }
        if let Err(failure) = span.set_parent(parent) {
            tracing::debug!(reason = %failure, "a span does not continue its trace");
        }
    }

    /// Notes on `span` that it also works for this trace.
    pub fn link(&self, span: &Span) {
        // `add_link` ignores contexts that are not valid.
        span.add_link(self.remote().span().span_context().clone());
    }

    fn remote(&self) -> Context {
        // From the empty context, not from the current one: no trace must stay no trace.
        TraceContextPropagator::new().extract_with_context(&Context::new(), self)
    }
}

impl Injector for TraceContext {
    fn set(&mut self, key: &str, value: String) {
        match key {
            TRACEPARENT => self.traceparent = value,
            TRACESTATE => self.tracestate = value,
            _ => {}
        }
    }
}

impl Extractor for TraceContext {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => Some(&self.traceparent),
            TRACESTATE if self.tracestate.len() <= TRACESTATE_BYTES_MAX => Some(&self.tracestate),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}
