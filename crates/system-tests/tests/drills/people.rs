//! A person decides, and a person is forgotten, while the services that hear of it are killed between commit and ack.

use std::{os::unix::process::ExitStatusExt as _, time::Duration};

use bus::house::{ATTRIBUTION_PAYOUT, PAYOUT_PEOPLE};
use contracts::attribution::ConversionVerdict;
use prost::Message as _;
use serde_json::json;
use system_tests::{ServiceName, api::text};
use test_kit::{Postback, eventually};
use uuid::Uuid;

use crate::{
    killing::{BETWEEN_COMMIT_AND_ACK, SIGABRT},
    scene::Scene,
};

const SOON: Duration = Duration::from_secs(30);
/// Stands in every field that tells of the person.
const CANARY: &str = "Canary7";

/// Starts a service so that it dies after its next batch has committed, before the broker is told.
async fn arm(scene: &mut Scene, service: ServiceName) {
    let process = scene.stack.service(service);
    assert_eq!(process.stop().await.code(), Some(0));
    process.start_with(BETWEEN_COMMIT_AND_ACK).await;
}

/// Waits until it did, and the broker has the message back.
async fn died(scene: &mut Scene, service: ServiceName, queue: &str) {
    let process = scene.stack.service(service);
    let end = eventually(&format!("{service:?} dies at its batch"), SOON, async || process.ended()).await;
    assert_eq!(end.signal(), Some(SIGABRT), "{}", process.log_end());
    process.forget();
    eventually("the broker has taken the message back", SOON, async || {
        scene.stack.namespace().ready(queue).await.unwrap_or_default() > 0
    })
    .await;
}

async fn quiet(scene: &Scene) {
    eventually("nothing is on its way", SOON, async || {
        let left = scene.stack.namespace().unread();
        if left.is_empty() && scene.truth.outboxes().await == 0 { Ok(()) } else { Err(left) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_and_an_erasure_have_one_effect_whoever_is_killed() {
    let mut scene = Scene::set(0).await;
    let click = scene.guide.click("c-canary", &format!("{CANARY}-member")).await.unwrap();
    let install = Postback::install(&click)
        .with("cnv_email", &format!("{CANARY}@a.b"))
        .with("cnv_user_id", &format!("{CANARY}-user"))
        .with("cnv_sub_1", &format!("{CANARY}-sub"))
        .with("idfa", &format!("{CANARY}-idfa"))
        .with("what_nobody_knows", CANARY);
    let answered = scene.guide.apps_flyer().send_all(&[install]).await;
    assert_eq!(answered[0].status, 200, "{}", answered[0].body);
    let gk_click_id = click.parse().unwrap();
    let verdicts = eventually("payout knows the install", SOON, async || {
        let verdicts = scene.truth.verdicts(gk_click_id).await;
        if verdicts.len() == 1 { Ok(verdicts) } else { Err(verdicts.len()) }
    })
    .await;
    quiet(&scene).await;

    // A person rejects it.
    let verdict = ConversionVerdict::decode(verdicts[0].as_slice()).unwrap();
    let conversion = Uuid::from_slice(&verdict.conversion_id).unwrap();
    arm(&mut scene, ServiceName::Attribution).await;
    let path = format!("/api/v1/conversions/{conversion}/decisions");
    let reject = json!({"decision": "Reject", "reason": "a bot"});
    let decided = scene.guide.payout().post(&path, &reject).await.unwrap();
    assert_eq!(decided["reasonCode"], "REJECTED_BY_PERSON", "{decided:#}");
    died(&mut scene, ServiceName::Attribution, ATTRIBUTION_PAYOUT).await;
    scene.stack.service(ServiceName::Attribution).start().await;
    let told = eventually("payout hears of the rejection", SOON, async || {
        let told = ConversionVerdict::decode(scene.truth.verdicts(gk_click_id).await[0].as_slice()).unwrap();
        if told.revision > 1 { Ok(told) } else { Err(told.revision) }
    })
    .await;
    assert_eq!((told.revision, &*told.code), (2, "REJECTED_BY_PERSON"));
    quiet(&scene).await;
    let path = format!("/api/v1/journeys/{click}");
    let journey = scene.guide.attribution().get(&path).await.unwrap();
    assert_eq!(journey["peopleDecisions"].as_array().unwrap().len(), 1, "{journey:#}");
    assert_eq!(journey["conversions"][0]["revision"], 2, "told once: {journey:#}");
    assert!(scene.truth.everything().await.contains(CANARY), "the test would see it");

    // The person behind the click is forgotten, by payout's side after it was killed.
    let (books, transfers) = (scene.truth.books("USD").await, scene.truth.transfers().await);
    arm(&mut scene, ServiceName::Payout).await;
    let order =
        scene.guide.attribution().post("/api/v1/erasures", &json!({"gkClickId": click})).await.unwrap();
    let path = format!("/api/v1/erasures/{}", text(&order, "/erasureId").unwrap());
    died(&mut scene, ServiceName::Payout, PAYOUT_PEOPLE).await;
    scene.stack.service(ServiceName::Payout).start().await;
    quiet(&scene).await;
    let order = scene.guide.attribution().get(&path).await.unwrap();
    assert!(order["doneAt"].is_string(), "{order:#}");
    let everything = scene.truth.everything().await;
    let found: Vec<&str> = everything.lines().filter(|line| line.contains(CANARY)).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!((scene.truth.books("USD").await, scene.truth.transfers().await), (books, transfers));
    let after = ConversionVerdict::decode(scene.truth.verdicts(gk_click_id).await[0].as_slice()).unwrap();
    assert_eq!((after.revision, after.code), (told.revision, told.code));
    let member = after.click.unwrap().publisher_parameters.unwrap().pub_member_id;
    assert!(member.starts_with("erased:"), "{member}");
    assert_eq!(scene.truth.buried().await, 0);
}
