//! "Send test": a sample to one endpoint, and what came of it.

use std::time::Duration;

use contracts::catalog::{PostbackEndpoint, PostbackMethod, SealedSecret, TokenRole};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use test_kit::Answer;

use crate::{
    facts::{Tenant, endpoint_id, secret},
    stage::Stage,
};

const MANAGER: &str = "gkt_manager";
const PARTNER: &str = "gkt_partner";
const STRANGER: &str = "gkt_stranger";

async fn stage(change: impl Fn(&mut payout::Settings)) -> (Stage, Tenant) {
    let stage = Stage::with(1, change).await;
    let (brownboots, other) = (Tenant::new(1), Tenant::new(2));
    stage.introduce(brownboots).await;
    stage
        .say_catalog([
            brownboots.token(MANAGER, TokenRole::Manager),
            brownboots.token(PARTNER, TokenRole::Publisher),
            other.token(STRANGER, TokenRole::Owner),
        ])
        .await;
    (stage, brownboots)
}

fn path() -> String {
    format!("/api/v1/publishers/00000000-0000-0000-0000-0000000000b1/endpoints/{}/test", endpoint_id())
}

async fn send(stage: &Stage) -> Value {
    let (status, tested) = stage.post(&path(), Some(MANAGER), &json!({})).await;
    assert_eq!(status, 200, "{tested}");
    tested
}

#[tokio::test]
async fn a_sample_is_signed_like_the_real_thing_says_what_it_is_and_leaves_no_trace() {
    let (stage, _) = stage(|_| ()).await;
    stage.publisher.answer("/cb", [Answer::status(201).body("thanks")]);
    let tested = send(&stage).await;
    let heard = stage.told(1).await;
    let sample = &heard[0];
    assert_eq!(
        (sample.param("s").as_deref(), sample.param("c").as_deref()),
        (Some("Test"), Some("test-click"))
    );
    assert_eq!(sample.header("gokart-test"), Some("true"));
    assert!(sample.header("webhook-id").unwrap().starts_with("test_"));
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, sample.header(name).unwrap().parse().unwrap());
    }
    let receiver = Webhook::new(secret(1).to_text().expose_secret()).unwrap();
    receiver.verify(sample.target().as_bytes(), &headers).unwrap();

    assert_eq!(tested["webhookId"].as_str(), sample.header("webhook-id"));
    assert_eq!((&tested["httpStatus"], &tested["isTaken"]), (&json!(201), &json!(true)));
    assert_eq!(tested["response"], "thanks");
    assert!(tested["request"].as_str().unwrap().ends_with("/…?c=…&m=…&s=…&p=…&id=…"), "{tested}");
    assert!(tested["durationMs"].is_u64() && tested["answeredMs"].is_u64());
    let again = send(&stage).await;
    assert_ne!(again["webhookId"], tested["webhookId"], "a receiver must not take it for a repeat");
    stage.rows("deliveries", 0).await;
    stage.rows("delivery_attempts", 0).await;
    stage.strike().await;
}

#[tokio::test]
async fn secrets_are_sent_and_never_shown() {
    let (stage, brownboots) = stage(|_| ()).await;
    let canary = "canary-in-the-header";
    let endpoint = PostbackEndpoint {
        method: PostbackMethod::PostJson.into(),
        custom_header_name: Some(String::from("X-Publisher-Key")),
        custom_header_value: Some(SealedSecret {
            sealed: brownboots.sealed_header(canary),
            valid_until_micros: None,
        }),
        ..brownboots.endpoint(format!("{}/json?key=canary-in-the-query", stage.publisher.url()))
    };
    stage.say_catalog([brownboots.publisher(2, vec![endpoint])]).await;
    let echo = format!("{canary} canary-in-the-query");
    stage.publisher.answer("/json", [Answer::status(400).body(echo)]);
    let tested = send(&stage).await;
    let heard = stage.told(1).await;
    assert_eq!(heard[0].header("x-publisher-key"), Some(canary));
    assert_eq!(heard[0].json()["conversion"]["status"], "Test");
    assert_eq!((&tested["isTaken"], &tested["response"]), (&json!(false), &json!("… …")));
    assert!(tested["headers"].as_array().unwrap().contains(&json!("x-publisher-key")), "{tested}");
    let shown = tested.to_string();
    let signature = heard[0].header("webhook-signature").unwrap();
    assert!(!shown.contains("canary") && !shown.contains("whsec_") && !shown.contains(signature), "{shown}");
    stage.strike().await;
}

#[tokio::test]
async fn what_can_not_be_sent_says_why() {
    let (stage, brownboots) = stage(|settings| settings.client.allowed_networks.clear()).await;
    let tested = send(&stage).await;
    assert!(tested["failure"].as_str().unwrap().contains("public"), "{tested}");
    assert_eq!((&tested["httpStatus"], &tested["isTaken"]), (&Value::Null, &json!(false)));
    stage.say_catalog([brownboots.publisher(2, vec![])]).await;
    assert_eq!(send(&stage).await["failure"], "the endpoint is switched off");
    assert!(stage.publisher.deliveries().is_empty());
    stage.strike().await;
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_holds_the_caller_no_longer_than_its_time() {
    let (stage, _) = stage(|settings| {
        settings.client.connect_timeout_ms = 400;
        settings.client.total_timeout_ms = 400;
    })
    .await;
    stage.publisher.answer("/cb", [Answer::status(200).after(Duration::from_hours(1))]);
    let tested = send(&stage).await;
    assert_eq!(tested["failure"], "no answer in time");
    assert!(tested["durationMs"].as_u64().unwrap() >= 400);
}

#[tokio::test]
async fn who_may_not_and_how_often_it_may_be_tried() {
    let (stage, _) = stage(|_| ()).await;
    for (token, expected) in [(None, 401), (Some(PARTNER), 403), (Some(STRANGER), 404)] {
        assert_eq!(stage.post(&path(), token, &json!({})).await.0, expected, "{token:?}");
    }
    let of_another = path().replace("0000b1/", "0000b2/");
    assert_eq!(stage.post(&of_another, Some(MANAGER), &json!({})).await.0, 404);
    assert!(stage.publisher.deliveries().is_empty());
    // Six in a minute of the clock: twelve calls within two minutes are too many, wherever a minute ends.
    let mut refused = None;
    for _ in 0..13 {
        let (status, answer) = stage.post(&path(), Some(MANAGER), &json!({})).await;
        if status == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(status, 200, "{answer}");
    }
    let refused = refused.unwrap();
    assert!(refused["detail"].as_str().unwrap().contains("6 times a minute"), "{refused}");
    assert!((6..=12).contains(&stage.publisher.deliveries().len()), "what was refused was not sent");
    stage.strike().await;
}
