//! Secrets travel in URLs here. They are used everywhere and written down nowhere.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Stack, StackOptions, guide::Guide, truth::Truth};
use test_kit::{FakePublisher, OtlpReceiver, eventually, http_client};

/// The value of a header that the publisher wants on its postbacks.
const OWN_HEADER: &str = "canary-of-a-publishers-own-header-4711";

/// An account manager puts a header on the publisher's postback, after a slip of the pen; payout knows it when this returns.
async fn give_a_header(guide: &Guide, truth: &Truth) {
    let path = format!("/api/v1/publishers/{}/postbacks", guide.publisher.id);
    let there = guide.tenant.api.get(&path).await.unwrap()["items"][0].clone();
    let path = format!("{path}/{}", there["endpointId"].as_str().unwrap());
    let with = |name: &str| -> Value {
        json!({"method": there["method"], "urlTemplate": there["urlTemplate"], "statuses": there["statuses"],
            "customHeader": {"name": name, "value": OWN_HEADER}})
    };
    let (status, refused) =
        guide.tenant.api.try_call(Method::PUT, &path, Some(&with("Content-Length"))).await.unwrap();
    assert!(status.as_u16() == 422 && !refused.to_string().contains(OWN_HEADER), "{refused}");
    let changed = guide.tenant.api.put(&path, &with("X-Api-Key")).await.unwrap();
    assert_eq!(changed["customHeader"], json!({"name": "X-Api-Key"}));
    eventually("payout knows the header", Duration::from_secs(30), async || {
        let known =
            truth.in_payout("SELECT 1 FROM postback_endpoints WHERE custom_header_name = 'X-Api-Key'").await;
        if known == 1 { Ok(()) } else { Err(known) }
    })
    .await;
}

#[tokio::test]
async fn no_secret_is_ever_written_down() {
    let collector = OtlpReceiver::start();
    let options = StackOptions::new()
        .set_all("TELEMETRY__LOG_FILTER", "debug")
        .set_all("TELEMETRY__OTLP_ENDPOINT", &collector.endpoint());
    let stack = Stack::start_with(options).await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let truth = Truth::of(&stack).await;
    give_a_header(&guide, &truth).await;
    let click = guide.click("c-1", "m-1").await.unwrap();
    let apps_flyer = guide.apps_flyer();
    for postback in &Guide::postbacks(&click) {
        assert_eq!(apps_flyer.send(postback).await.status, 200);
    }
    // The same secrets in places where they do not belong, through every kind of refusal.
    let signature = &guide.credential.signature;
    let token = &guide.tenant.token;
    let ingest = &stack.endpoints().ingest;
    let client = http_client();
    for (method, url) in [
        (Method::GET, format!("{ingest}/api/v1/{signature}?domain=x&signature={signature}")),
        (Method::PUT, guide.credential.postback_url.clone()),
        (Method::GET, format!("{ingest}/{signature}")),
        (Method::GET, format!("{}/api/v1/postbacks/{token}?token={token}", stack.endpoints().attribution)),
        (Method::GET, format!("{}/api/v1/conversions?gk_click_id={token}", stack.endpoints().payout)),
        (
            Method::GET,
            format!("{}/api/v1/offer-link/redirect/{token}?pub_click_id={token}", stack.endpoints().tracker),
        ),
    ] {
        let answer = client.request(method, &url).bearer_auth(token).send().await.unwrap();
        let headers = format!("{:?}", answer.headers());
        let body = answer.text().await.unwrap();
        assert!(!headers.contains(signature) && !body.contains(signature), "{body}");
        assert!(!headers.contains(token) && !body.contains(token), "{body}");
    }
    eventually("the story is over", Duration::from_secs(30), async || {
        let deliveries = truth.deliveries().await;
        if deliveries.get("delivered") == Some(&3) { Ok(()) } else { Err(deliveries) }
    })
    .await;

    // The publisher hears it, and it alone.
    let told = publisher.deliveries();
    assert!(told.iter().all(|postback| postback.header("x-api-key") == Some(OWN_HEADER)), "{}", told.len());
    let audit_log = guide.tenant.api.get("/api/v1/audit-log?page_size=100").await.unwrap().to_string();
    let places = [
        ("the audit log", audit_log),
        ("the logs", stack.logs()),
        ("the tables", truth.everything().await),
        ("the metrics", stack.metrics().await),
        ("the spans", format!("{:?}", collector.spans())),
        ("what the publisher was sent, but for its header", format!("{told:?}").replace(OWN_HEADER, "")),
    ];
    let secrets = [
        ("the signature", signature.as_str()),
        ("the security segment", guide.credential.segment.split('/').nth(1).unwrap()),
        ("the API token", token.as_str()),
        ("the publisher's signing secret", guide.publisher.signing_secret.trim_start_matches("whsec_")),
        ("the publisher's own header", OWN_HEADER),
        ("the operator's token", stack.endpoints().operator_token.as_str()),
    ];
    for (place, text) in &places {
        assert!(!text.is_empty(), "{place} are empty: nothing was checked");
        for (name, secret) in secrets {
            assert!(secret.len() >= 16);
            let line =
                text.lines().find(|line| line.contains(secret)).map(|line| line.replace(secret, "***"));
            assert_eq!(line, None, "{name} stands in {place}");
        }
    }
}
