//! The fakes record what came, as it came, and answer as they were told.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use test_kit::{Answer, FakeAppsFlyer, FakePublisher, OtlpReceiver, Postback, click_id_of, http_client};

#[tokio::test]
async fn a_publisher_remembers_requests_as_they_came() {
    let publisher = FakePublisher::start();
    let client = http_client();
    let get = format!("{}/pb?click=a%20b&click=%26&empty=", publisher.url());
    client.get(get).header("X-Canary", "1").send().await.expect("an answer");
    client.post(format!("{}/json", publisher.url())).body(r#"{"a":1}"#).send().await.expect("an answer");
    let deliveries = publisher.wait_for(2, super::SOON).await;
    let first = &deliveries[0];
    assert_eq!((first.method.as_str(), first.path.as_str()), ("GET", "/pb"));
    assert_eq!(first.target(), "/pb?click=a%20b&click=%26&empty=");
    assert_eq!(first.param("click").as_deref(), Some("a b"));
    assert_eq!(first.params().len(), 3);
    assert_eq!(first.header("x-canary"), Some("1"));
    assert_eq!(deliveries[1].json()["a"], 1);
    assert!(deliveries[0].at <= deliveries[1].at);
    assert_eq!(publisher.deliveries_to("/json").len(), 1);
}

#[tokio::test]
async fn a_publisher_answers_as_it_was_told() {
    let publisher = FakePublisher::start();
    let slow = Duration::from_millis(150);
    publisher.answer(
        "/pb",
        [
            Answer::status(503).header("Retry-After", "7").body("busy"),
            Answer::status(200).after(slow),
            Answer::status(410),
        ],
    );
    let client = http_client();
    let ask =
        async |path: &str| client.get(format!("{}{path}", publisher.url())).send().await.expect("an answer");
    let busy = ask("/pb").await;
    assert_eq!((busy.status().as_u16(), busy.headers()["retry-after"].as_bytes()), (503, &b"7"[..]));
    assert_eq!(busy.text().await.expect("a body"), "busy");
    let start = Instant::now();
    assert_eq!(ask("/pb").await.status().as_u16(), 200);
    assert!(start.elapsed() >= slow);
    assert_eq!(ask("/pb").await.status().as_u16(), 410);
    assert_eq!(ask("/pb").await.status().as_u16(), 410, "the last answer stays");
    assert_eq!(ask("/other").await.status().as_u16(), 200);
}

#[tokio::test]
async fn apps_flyer_fills_the_template_and_calls_back_twice() {
    let receiver = FakePublisher::start();
    receiver
        .answer("/api/v1/aa/bb/cc/", [Answer::status(503), Answer::status(200).body(r#"{"receipt":"r1"}"#)]);
    let apps_flyer =
        FakeAppsFlyer::with_template(&format!("{}/api/v1/aa/bb/cc/?signature=s", receiver.url()));
    let click = click_id_of("https://app.appsflyer.com/app?pid=gokart_int&clickid=abc-1&af_siteid=2");
    let purchase = Postback::event(&click, "First Trade").amount("9.99", "USD").with("country_code", "DE");
    assert_eq!(apps_flyer.send(&purchase).await.status, 503);
    let answers = apps_flyer.send_all(&[purchase.clone(), Postback::install(&click)]).await;
    assert_eq!(answers[0].receipt(), "r1");
    let deliveries = receiver.deliveries();
    assert_eq!(deliveries.len(), 3);
    assert_eq!(deliveries[0].query, deliveries[1].query, "a repetition is the same to the letter");
    let sent = |name| deliveries[0].param(name);
    assert_eq!(sent("signature").as_deref(), Some("s"));
    assert_eq!(sent("gk_click_id").as_deref(), Some("abc-1"));
    assert_eq!(sent("cnv_event_id").as_deref(), Some("First Trade"));
    assert_eq!(sent("cnv_amount").as_deref(), Some("9.99"));
    assert_eq!(deliveries[2].param("cnv_event_id"), None);
}

#[tokio::test]
async fn a_collector_shows_the_spans_it_got() {
    let collector = OtlpReceiver::start();
    let text = |value: &str| Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    let pair =
        |key: &str, value: &str| KeyValue { key: key.to_owned(), value: text(value), ..KeyValue::default() };
    let export = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![pair("service.name", "ingest")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![Span {
                    trace_id: vec![0xab; 16],
                    span_id: vec![1; 8],
                    name: String::from("postback"),
                    attributes: vec![pair("http.route", "/api/v1")],
                    ..Span::default()
                }],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    let url = format!("{}/v1/traces", collector.endpoint());
    let answer = http_client().post(&url).body(export.encode_to_vec()).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let span = collector.wait_for("a span of ingest", super::SOON, |span| span.service == "ingest").await;
    assert_eq!((span.trace_id, span.name), ("ab".repeat(16), String::from("postback")));
    assert_eq!(span.attributes, [(String::from("http.route"), String::from("/api/v1"))]);
    let refused = http_client().post(&url).body("no protobuf").send().await.expect("an answer");
    assert_eq!(refused.status().as_u16(), 400);
}
