//! A collector that takes traces over HTTP and shows what it got.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix_web::{HttpResponse, web};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::{ResourceSpans, Span},
};
use prost::Message;

use super::server::Server;

/// One span, as far as tests look at it. Ids are lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedSpan {
    /// The trace it belongs to.
    pub trace_id: String,
    /// Its own id.
    pub span_id: String,
    /// The span it was begun in; empty for the first of a trace here.
    pub parent_span_id: String,
    /// What it is called.
    pub name: String,
    /// Which service sent it.
    pub service: String,
    /// Traces that it links to.
    pub linked_trace_ids: Vec<String>,
    /// Attributes, their values as text.
    pub attributes: Vec<(String, String)>,
}

/// Collects the spans of every service that exports to it.
#[derive(Debug)]
pub struct OtlpReceiver {
    server: Server,
    spans: Arc<Mutex<Vec<ReceivedSpan>>>,
    said: Arc<Mutex<String>>,
}

impl OtlpReceiver {
    /// A collector on a free port.
    ///
    /// # Panics
    /// When it can not start.
    pub fn start() -> Self {
        let spans = Arc::new(Mutex::new(Vec::new()));
        let said = Arc::new(Mutex::new(String::new()));
        let shared = (Arc::clone(&spans), Arc::clone(&said));
        let server = Server::start(move |config| {
            config
                .app_data(web::Data::from(Arc::clone(&shared.0)))
                .app_data(web::Data::from(Arc::clone(&shared.1)))
                .route("/v1/traces", web::post().to(collect));
        });
        Self { server, spans, said }
    }

    /// What goes into `telemetry.otlp_endpoint`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port())
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything that was sent, as text: events, statuses and links, too.
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a span that `matches`.
    ///
    /// # Panics
    /// When it does not come within `deadline`; the message names the spans that did.
    pub async fn wait_for(
        &self,
        what: &str,
        deadline: Duration,
        matches: impl Fn(&ReceivedSpan) -> bool,
    ) -> ReceivedSpan {
        crate::eventually(what, deadline, async || {
            let spans = self.spans();
            let names =
                || spans.iter().map(|span| format!("{}/{}", span.service, span.name)).collect::<Vec<_>>();
            spans.iter().find(|span| matches(span)).cloned().ok_or_else(names)
        })
        .await
    }
}

async fn collect(
    body: web::Bytes,
    spans: web::Data<Mutex<Vec<ReceivedSpan>>>,
    said: web::Data<Mutex<String>>,
) -> HttpResponse {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return HttpResponse::BadRequest().body("not an OTLP trace export");
    };
    said.lock().unwrap_or_else(PoisonError::into_inner).push_str(&format!("{request:?}\n"));
    let received = request.resource_spans.into_iter().flat_map(spans_of);
    spans.lock().unwrap_or_else(PoisonError::into_inner).extend(received);
    HttpResponse::Ok()
        .content_type("application/x-protobuf")
        .body(ExportTraceServiceResponse { partial_success: None }.encode_to_vec())
}

fn spans_of(resource: ResourceSpans) -> impl Iterator<Item = ReceivedSpan> {
    let attributes = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
    let service = attributes
        .iter()
        .find(|attribute| attribute.key == "service.name")
        .map(|attribute| text_of(attribute.value.as_ref()))
        .unwrap_or_default();
    resource
        .scope_spans
        .into_iter()
        .flat_map(|scope| scope.spans)
        .map(move |span| received(span, service.clone()))
}

fn received(span: Span, service: String) -> ReceivedSpan {
    ReceivedSpan {
        trace_id: hex::encode(&span.trace_id),
        span_id: hex::encode(&span.span_id),
        parent_span_id: hex::encode(&span.parent_span_id),
        name: span.name,
        service,
        linked_trace_ids: span.links.iter().map(|link| hex::encode(&link.trace_id)).collect(),
        attributes: span.attributes.iter().map(pair).collect(),
    }
}

fn pair(attribute: &KeyValue) -> (String, String) {
    (attribute.key.clone(), text_of(attribute.value.as_ref()))
}

fn text_of(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}
