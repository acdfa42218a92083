//! AppsFlyer's door: what is accepted, what is refused, and that a 200 is never a lie.

use std::{collections::BTreeSet, time::Duration};

use contracts::envelope::FactBatch;
use kernel::{CredentialId, TenantId};
use prost::Message as _;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use signing::{Keyring, credential};
use system_tests::{
    lone::{CREDENTIAL_KEYS, LoneIngest},
    spy::Spy,
};
use test_kit::http_client;
use uuid::Uuid;

const DOMAIN: &str = "Brownboots";
const QUEUE: &str = "attribution.postbacks";
const SOON: Duration = Duration::from_secs(30);

struct Pasted {
    segment: String,
    signature: String,
}

fn credential() -> Pasted {
    let keyring = Keyring::parse(&SecretString::from(CREDENTIAL_KEYS)).unwrap();
    let credential = credential::issue(
        &keyring,
        DOMAIN,
        CredentialId::from_uuid(Uuid::from_u128(7)),
        TenantId::from_uuid(Uuid::from_u128(8)),
        1,
        [1, 2, 3, 4],
    );
    Pasted { segment: credential.segment, signature: credential.signature.expose_secret().to_owned() }
}

async fn call(method: Method, url: &str, kind: &str, body: &str) -> (StatusCode, Value) {
    let request = http_client().request(method, url);
    let request =
        if body.is_empty() { request } else { request.header("content-type", kind).body(body.to_owned()) };
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn everything_that_is_authenticated_is_accepted_whatever_it_says() {
    let mut ingest = LoneIngest::with(&[]);
    ingest.process.start().await;
    let Pasted { segment, signature } = credential();
    let base = format!("{}/api/v1/", ingest.url);
    let signed = format!("domain=brownboots&signature={signature}");
    let urls = [
        format!("{base}{segment}?{signed}&gk_click_id=x&cnv_event_id=Install"),
        // What people paste: no trailing slash, a doubled one, white space around the values, encoded tokens.
        format!("{base}{}?{signed}", segment.trim_end_matches('/')),
        format!("{base}/{segment}/?{signed}"),
        format!("{base}{segment}?domain=%20BROWNBOOTS%0A&signature=%20{signature}%20"),
        format!(
            "{base}{}?{signed}&%FF%00=%zz&&=&gk_click_id=%00",
            segment.replace('-', "%2D").replace('_', "%5F")
        ),
    ];
    let mut receipts = BTreeSet::new();
    let receipt_of = |answer: &Value| answer["receipt"].as_str().unwrap().parse::<Uuid>().unwrap();
    for url in &urls {
        let (status, answer) = call(Method::GET, url, "", "").await;
        assert_eq!(status, StatusCode::OK, "{url}: {answer}");
        receipts.insert(receipt_of(&answer));
    }
    for (kind, body) in [
        ("application/json", r#"{"cnv_event_id":"Install","cnv_amount":4.99}"#),
        ("application/json", "{not json"),
        ("application/x-www-form-urlencoded", "cnv_event_id=Install"),
        ("text/plain", "\u{fffd}\u{0}"),
    ] {
        let (status, answer) = call(Method::POST, &urls[0], kind, body).await;
        assert_eq!(status, StatusCode::OK, "{kind} {body}: {answer}");
        receipts.insert(receipt_of(&answer));
    }
    let in_a_form = format!("signature={signature}&domain={DOMAIN}&cnv_event_id=Install");
    let url = format!("{base}{segment}");
    let (status, answer) = call(Method::POST, &url, "application/x-www-form-urlencoded", &in_a_form).await;
    assert_eq!(status, StatusCode::OK);
    receipts.insert(receipt_of(&answer));
    assert_eq!(receipts.len(), 10, "every call has a receipt of its own");
    // Nobody reads the queue in this test: what was promised must be in it. (The first calls may have gone by the spool:
    // ingest takes calls before it has found the broker.)
    let spy = Spy::in_part(&ingest.namespace).await;
    let mut queued = BTreeSet::new();
    test_kit::eventually("every receipt is in the queue", SOON, async || {
        for message in spy.take(QUEUE).await {
            let batch = FactBatch::decode(message.body.as_slice()).unwrap();
            queued.extend(batch.items.iter().map(|item| Uuid::from_slice(&item.fact_id).unwrap()));
        }
        if queued == receipts { Ok(()) } else { Err((queued.len(), receipts.len())) }
    })
    .await;
    assert!(!ingest.process.log().contains(&signature));
}

#[tokio::test]
async fn a_host_names_the_tenant_and_must_agree_with_the_parameter() {
    let mut ingest = LoneIngest::with(&[]);
    ingest.process.start().await;
    let Pasted { segment, signature } = credential();
    for (host, parameter, expected) in [
        ("api.brownboots.gokart.test", "", StatusCode::OK),
        ("api.brownboots.gokart.test", "domain=BrownBoots&", StatusCode::OK),
        ("api.brownboots.gokart.test", "domain=other&", StatusCode::NOT_FOUND),
        ("api.other.gokart.test", "", StatusCode::NOT_FOUND),
    ] {
        let answer = http_client()
            .get(format!("{}/api/v1/{segment}?{parameter}signature={signature}", ingest.url))
            .header("host", host)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), expected, "{host} {parameter}");
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_a_credential_the_answer_is_the_same() {
    let mut ingest = LoneIngest::with(&[]);
    ingest.process.start().await;
    let Pasted { segment, signature } = credential();
    let guide_segment = "ZM-A9KxR5TQ2/Zu4Wn-8PmFJ7BqC6tHDrN0V/L5EoG2SxM9pTQaU3W/";
    let guide_signature = "7FqR9KxD2WmA5N0B1TgYJcZs8vL3X4UeP-MH6tQEkdS";
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let bent = format!("{other}{}", &signature[1..]);
    let mut answers = Vec::new();
    for (segment, domain, signature) in [
        (segment.as_str(), DOMAIN, bent.as_str()),
        (&segment, "other", &signature),
        (&segment, "", &signature),
        (&segment, DOMAIN, ""),
        ("unknown", DOMAIN, &signature),
        ("", DOMAIN, &signature),
        (guide_segment, DOMAIN, guide_signature),
    ] {
        let url = format!(
            "{}/api/v1/{segment}?domain={domain}&signature={signature}&cnv_event_id=Install",
            ingest.url
        );
        let (status, mut body) = call(Method::GET, &url, "", "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
        body.as_object_mut().unwrap().remove("requestId");
        answers.push(body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "the answers tell wrong credentials apart: {answers:?}");
    assert_eq!(ingest.namespace.ready(QUEUE).await, Some(0));
}

#[tokio::test]
async fn transport_limits_are_told_and_not_reset() {
    let mut ingest = LoneIngest::with(&[]);
    ingest.process.start().await;
    let Pasted { segment, signature } = credential();
    let url = format!("{}/api/v1/{segment}?domain={DOMAIN}&signature={signature}", ingest.url);
    let (status, _) = call(Method::PUT, &url, "", "").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    let (status, _) = call(Method::POST, &url, "text/plain", &"x".repeat(70_000)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, _) = call(Method::GET, &format!("{url}&x={}", "x".repeat(40_000)), "", "").await;
    assert_eq!(status, StatusCode::URI_TOO_LONG);
    let (status, _) = call(Method::GET, &format!("{url}&x={}", "x".repeat(32_000)), "", "").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn without_broker_and_spool_the_answer_is_503_and_never_a_lie() {
    // Nothing listens on port 1.
    let mut ingest =
        LoneIngest::with(&[("BUS__URL", "amqp://nobody:nothing@127.0.0.1:1/%2f"), ("SPOOL__FOLDER", "")]);
    ingest.process.spawn("");
    test_kit::eventually("ingest is alive", std::time::Duration::from_secs(30), async || {
        ingest.process.is_alive().await
    })
    .await;
    assert!(!ingest.process.is_ready().await, "ready with neither");
    let Pasted { segment, signature } = credential();
    let url = format!("{}/api/v1/{segment}?domain={DOMAIN}&signature={signature}", ingest.url);
    let answer = http_client().get(&url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    assert!(!ingest.process.log().contains(&signature));
    assert!(!ingest.process.log().contains("nobody:nothing"));
    assert_eq!(ingest.process.stop().await.code(), Some(0));
}
