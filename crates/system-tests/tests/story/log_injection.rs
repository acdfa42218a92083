//! Whatever strangers, users and account managers write: one event is one line of JSON, and nothing in it forges a line,
//! hides text or colours a terminal.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{ServiceName, Stack, StackOptions, guide::Guide, raw::RawCaller};
use test_kit::{FakePublisher, Postback, http_client};
use url::Url;

/// Line ends, a forged event, colours, text that runs backwards, separators that some readers take for line ends, quotes
/// that break JSON, NUL, and C1 controls.
const EVIL: &str = "a\r\n{\"level\":\"FORGED\"}\n\u{1b}[31mred\u{1b}]0;title\u{7}\u{202e}txt\u{2066}x\u{2028}y\u{2029}z\u{85}\u{9b}31m\u{7f}\0\"\\\"'}],\u{feff}";

/// As bytes in a head: everything but what ends the head itself.
fn in_a_head() -> Vec<u8> {
    EVIL.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)).collect()
}

fn is_forging(one: char) -> bool {
    one.is_control()
        || matches!(one, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Every line of a log, which must all be whole events of `service`.
fn events(service: ServiceName, log: &str) -> Vec<Value> {
    assert!(log.ends_with('\n'), "{service:?}: the last line is not whole");
    log.split_terminator('\n')
        .map(|line| {
            assert!(!line.chars().any(is_forging), "{service:?}: a raw control character in {line:?}");
            let event: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{service:?}: {error}: {line}"));
            assert_eq!(event["service"], service.binary(), "{line}");
            let level = event["level"].as_str().unwrap_or_default();
            assert!(["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level), "{line}");
            event
        })
        .collect()
}

#[tokio::test]
async fn one_event_is_one_line_whatever_was_sent() {
    let options = StackOptions::new().set_all("TELEMETRY__LOG_FILTER", "trace");
    let mut stack = Stack::start_with(options).await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let click = guide.click("c-1", "m-1").await.unwrap();

    // As content, properly encoded: it is decoded, decided upon and told.
    let evil = Postback::event(&click, EVIL)
        .amount(EVIL, EVIL)
        .with(EVIL, EVIL)
        .with("event_time", EVIL)
        .with("app_id", EVIL);
    assert_eq!(guide.apps_flyer().send(&evil).await.status, 200);
    let evil = Postback::event(EVIL, "level_10");
    assert_eq!(guide.apps_flyer().send(&evil).await.status, 200);
    let mut link = Url::parse(&guide.link_for("c-2", "m-2")).unwrap();
    link.query_pairs_mut().append_pair("pub_sub_2", EVIL).append_pair(EVIL, EVIL).append_pair("gender", EVIL);
    assert_eq!(http_client().get(link.clone()).send().await.unwrap().status().as_u16(), 302);
    let body =
        serde_json::to_vec(&json!({EVIL: EVIL, "cnv_event_id": EVIL, "event_value": {"x": EVIL}})).unwrap();
    let posted = http_client()
        .post(&guide.credential.postback_url)
        .header("content-type", "application/json")
        .body(body);
    assert_eq!(posted.send().await.unwrap().status().as_u16(), 200);

    // As bytes, as no client would send them: in the line, in headers' values, in a body of any kind.
    let postback = Url::parse(&guide.credential.postback_url).unwrap();
    for url in [&postback, &link] {
        let target = format!("{}?{}", url.path(), url.query().unwrap_or_default());
        for header in [
            "user-agent",
            "host",
            "referer",
            "authorization",
            "x-forwarded-for",
            "traceparent",
            "tracestate",
            "content-type",
            "x",
        ] {
            let call = [
                format!(
                    "GET {target} HTTP/1.1\r\n{}{header}: ",
                    if header == "host" { "" } else { "host: h\r\n" }
                )
                .into_bytes(),
                in_a_head(),
                b"\r\n\r\n".to_vec(),
            ];
            answered(url, &call.concat()).await;
        }
        let call = [b"GET /".to_vec(), in_a_head(), b" HTTP/1.1\r\nhost: h\r\n\r\n".to_vec()];
        answered(url, &call.concat()).await;
        let call = [b"EVIL".to_vec(), in_a_head(), b" / HTTP/1.1\r\nhost: h\r\n\r\n".to_vec()];
        answered(url, &call.concat()).await;
        for kind in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
            let head = format!(
                "POST {target} HTTP/1.1\r\nhost: h\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
                EVIL.len()
            );
            answered(url, &[head.as_bytes(), EVIL.as_bytes()].concat()).await;
        }
        // Only so much is ever read of a user agent.
        let call =
            format!("GET {target} HTTP/1.1\r\nhost: h\r\nuser-agent: {}\r\n\r\n", "a".repeat(1_000_000));
        assert_eq!(answered(url, call.as_bytes()).await, 431);
    }

    // As an account manager: names, and what can not be a name.
    for name in [EVIL.to_owned(), EVIL.replace('\0', ""), String::from("\u{202e}\u{2028}plain")] {
        for (path, body) in [
            ("/api/v1/advertisers", json!({"name": name})),
            ("/api/v1/publishers", json!({"name": name, "postback": {"method": "GET", "urlTemplate": name}})),
            ("/api/v1/offers", json!({"name": name, "offerType": name})),
            ("/api/v1/credentials", json!({"advertiserId": name})),
        ] {
            let (status, _) = guide.tenant.api.try_call(Method::POST, path, Some(&body)).await.unwrap();
            assert!(status.as_u16() < 500, "{path}: {status}");
        }
    }
    for base in [&guide.endpoints.attribution, &guide.endpoints.payout, &guide.endpoints.offer_catalog] {
        let mut url = Url::parse(base).unwrap();
        url.path_segments_mut().unwrap().extend(["api", "v1", EVIL]);
        url.query_pairs_mut().append_pair(EVIL, EVIL);
        http_client().get(url).bearer_auth(&guide.tenant.token).send().await.unwrap();
    }

    for service in ServiceName::ALL {
        // Stopped, so that its last line is whole.
        let process = stack.service(service);
        assert_eq!(process.stop().await.code(), Some(0));
        let events = events(service, &process.log());
        assert!(events.len() > 20, "{service:?} logged {} events at trace", events.len());
        assert!(events.iter().all(|event| event["level"] != "FORGED"));
    }
}

async fn answered(url: &Url, call: &[u8]) -> u16 {
    let mut caller = RawCaller::to(url.as_str()).await;
    caller.say(call).await;
    caller.answer().await.status
}
