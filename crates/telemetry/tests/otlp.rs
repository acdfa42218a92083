//! Spans arrive at a collector, whatever the log filter says.
//!
//! One test: the tracer is set up once in a process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message;
use telemetry::{TelemetrySettings, TraceContext};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// Reads one HTTP/1.1 request and answers 200.
async fn receive(stream: TcpStream) -> (String, Vec<u8>) {
    let mut stream = BufReader::new(stream);
    let mut request_line = String::new();
    stream.read_line(&mut request_line).await.unwrap();
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.unwrap();
        match header.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap();
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
    (request_line, body)
}

fn service_name(request: &ExportTraceServiceRequest) -> Option<Value> {
    let attributes = &request.resource_spans.first()?.resource.as_ref()?.attributes;
    attributes.iter().find(|one| one.key == "service.name")?.value.clone()?.value
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_arrive_at_the_collector_with_service_parent_and_link() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    let (requests, mut received) = mpsc::unbounded_channel();
    let collector = async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            requests.send(receive(stream).await).unwrap();
        }
    };
    let traced = async {
        let settings = TelemetrySettings { log_filter: "off".to_owned(), otlp_endpoint: Some(endpoint) };
        let telemetry = telemetry::init("ingest", &settings).unwrap();
        let receive = tracing::info_span!("receive", receipt = "r-1");
        let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        TraceContext { traceparent: caller.to_owned(), tracestate: String::new() }.set_parent(&receive);
        receive.in_scope(|| tracing::debug_span!("too fine").in_scope(|| ()));
        drop(receive);
        tracing::info_span!(target: telemetry::LOG_ONLY, "task")
            .in_scope(|| tracing::info_span!("sweep").in_scope(|| ()));
        telemetry.shutdown().await;
    };
    tokio::select! {
        () = collector => {}
        () = traced => {}
    }

    let (request_line, body) = received.try_recv().unwrap();
    assert!(request_line.starts_with("POST /v1/traces "), "{request_line}");
    let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
    assert_eq!(service_name(&request), Some(Value::StringValue("ingest".to_owned())));
    let spans: Vec<&Span> = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans)
        .collect();
    let [receive, sweep] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(receive.name, "receive");

    assert_eq!(hex::encode(&receive.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex::encode(&receive.parent_span_id), "b7ad6b7169203331");
    assert_eq!(sweep.name, "sweep");
    assert_eq!(hex::encode(&sweep.parent_span_id), "", "a span that is only for logs is nobody's parent");
}
