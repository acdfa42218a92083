//! Which trace something belongs to, as the two texts of [W3C Trace Context](https://www.w3.org/TR/trace-context/).
//!
//! The texts travel in HTTP headers and in every item of the bus. A consumer that works on one item *continues* its trace
//! ([`TraceContext::set_parent`]); one that works on a batch has many parents and *links* them ([`TraceContext::link`]).

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{SpanId, TraceContextExt, TraceId},
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

    /// These texts if they are a trace; else a new one that nobody records, of the given ids. For hot paths where spans
    /// are not recorded ([`records_spans`](crate::records_spans)): readers further on still belong to one trace.
    #[must_use]
    pub fn or_unrecorded(self, trace_id: [u8; 16], span_id: [u8; 8]) -> Self {
        // Looked at only when there is something: most calls of strangers carry no trace.
        if !self.traceparent.is_empty() && self.remote().span().span_context().is_valid() {
            return self;
        }
        let (trace_id, span_id) = (TraceId::from_bytes(trace_id), SpanId::from_bytes(span_id));
        Self { traceparent: format!("00-{trace_id:032x}-{span_id:016x}-00"), tracestate: String::new() }
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

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const CALLER: &str = "b7ad6b7169203331";

    fn from_caller() -> TraceContext {
        TraceContext { traceparent: format!("00-{TRACE}-{CALLER}-01"), tracestate: "vendor=1".to_owned() }
    }

    /// Runs code under a tracer of its own and returns the spans that ended.
    fn traced(code: impl FnOnce()) -> Vec<SpanData> {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), code);
        exporter.get_finished_spans().unwrap()
    }

    #[test]
    fn a_trace_passes_through_two_spans_as_text() {
        let spans = traced(|| {
            let receive = tracing::info_span!("receive");
            from_caller().set_parent(&receive);
            let sent = TraceContext::of_span(&receive);
            assert!(sent.traceparent.starts_with(&format!("00-{TRACE}-")), "{sent:?}");
            assert!(!sent.traceparent.contains(CALLER), "the text names our span, not the caller's");
            assert_eq!(sent.tracestate, "vendor=1");

            let decide = tracing::info_span!("decide");
            sent.set_parent(&decide);
            let _entered = decide.entered();
            assert!(TraceContext::current().traceparent.starts_with(&format!("00-{TRACE}-")));
        });
        let [decide, receive] = spans.as_slice() else { panic!("{spans:?}") };
        assert_eq!(receive.parent_span_id, SpanId::from_hex(CALLER).unwrap());
        assert_eq!(decide.parent_span_id, receive.span_context.span_id());
    }

    #[test]
    fn a_batch_links_the_traces_of_its_items() {
        let spans = traced(|| {
            let batch = tracing::info_span!("batch");
            from_caller().link(&batch);
            TraceContext::default().link(&batch);
            let _entered = batch.entered();
        });
        let links = &spans[0].links.links;
        assert_eq!(links.len(), 1, "an item without a trace adds none");
        assert_eq!(links[0].span_context.trace_id().to_string(), TRACE);
        assert_ne!(spans[0].span_context.trace_id().to_string(), TRACE);
    }

    #[test]
    fn without_recording_a_callers_trace_goes_on_and_a_new_one_is_told_as_unrecorded() {
        assert_eq!(from_caller().or_unrecorded([1; 16], [2; 8]), from_caller());
        for junk in ["", "00-zz-zz-01"] {
            let begun = TraceContext { traceparent: junk.to_owned(), tracestate: "x=1".to_owned() };
            let begun = begun.or_unrecorded([1; 16], [2; 8]);
            assert_eq!(begun.traceparent, format!("00-{}-{}-00", "01".repeat(16), "02".repeat(8)));
            assert_eq!(begun.tracestate, "");
        }
    }

    #[test]
    fn what_is_not_a_trace_is_ignored() {
        let long = TraceContext { tracestate: format!("a={}", "x".repeat(5_000)), ..from_caller() };
        let junk =
            ["", "00", "\r\n", "00-zz-zz-01", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"];
        let spans = traced(|| {
            for traceparent in junk {
                let span = tracing::info_span!("receive");
                TraceContext { traceparent: traceparent.to_owned(), tracestate: String::new() }
                    .set_parent(&span);
                assert!(!TraceContext::of_span(&span).traceparent.is_empty(), "a new trace begins");
            }
            let span = tracing::info_span!("receive");
            long.set_parent(&span);
            assert_eq!(TraceContext::of_span(&span).tracestate, "");
        });
        assert!(spans[..junk.len()].iter().all(|span| span.parent_span_id == SpanId::INVALID));
        assert_eq!(TraceContext::current(), TraceContext::default(), "no tracer, no trace, no panic");
    }
}
