//! One cheap span for each postback of a batch, continuing AppsFlyer's trace, so that the fact that comes of it, and
//! the publisher's request after that, are found by one trace id.

use std::collections::HashMap;

use kernel::ReceiptId;
use telemetry::TraceContext;
use tracing::{Span, field::Empty};

use crate::{domain::Code, facts::Received};

/// The spans of one batch.
#[derive(Debug, Default)]
pub(crate) struct Spans(HashMap<ReceiptId, Span>);

impl Spans {
    pub(crate) fn of(batch: &[Received]) -> Self {
        let span = |one: &Received| {
            let span = tracing::info_span!(parent: None, "decide postback", receipt = %one.stamped.receipt, decision.code = Empty);
            one.context.set_parent(&span);
            (one.stamped.receipt, span)
        };
        Self(batch.iter().map(span).collect())
    }

    pub(crate) fn decided(&self, receipt: ReceiptId, code: Code) {
        if let Some(span) = self.0.get(&receipt) {
            span.record("decision.code", code.as_str());
        }
    }

    /// The context of the fact that tells of a conversion: a child of the call that reported it, also when that was
    /// parked and something else has released it.
    pub(crate) fn context_of(&self, holder: ReceiptId, stored: &TraceContext) -> TraceContext {
        if stored.traceparent.is_empty() {
            return TraceContext::default();
        }
        let child = self.0.get(&holder).map_or_else(
            || {
                let span = tracing::info_span!(parent: None, "decide postback again", receipt = %holder);
                stored.set_parent(&span);
                TraceContext::of_span(&span)
            },
            TraceContext::of_span,
        );
        // Where nobody listens to spans they have no place in a trace; the trace goes on all the same.
        if child.traceparent.is_empty() { stored.clone() } else { child }
    }
}
