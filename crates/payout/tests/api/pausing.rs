//! An endpoint that says that it is gone is paused, and what it should hear waits for a person or for another URL.

use contracts::catalog::TokenRole;
use serde_json::{Value, json};
use test_kit::Answer;
use uuid::Uuid;

use crate::{
    facts::{PUBLISHER, Tenant, endpoint_id},
    stage::Stage,
};

const MANAGER: &str = "gkt_manager";
const PARTNER: &str = "gkt_partner";
const STRANGER: &str = "gkt_stranger";

/// One attempt at a time: answers come in the order of the requests.
async fn one_by_one() -> Stage {
    Stage::with(1, |settings| {
        settings.delivery.in_flight = 1;
        settings.delivery.per_publisher = 1;
    })
    .await
}

async fn tell(stage: &Stage, tenant: Tenant, clicks: std::ops::Range<u8>) {
    stage.say_verdicts(clicks.map(|click| tenant.qualified(tenant.verdict(click)))).await;
}

fn health_path() -> String {
    format!("/api/v1/publishers/{}/health", Uuid::from_u128(PUBLISHER))
}

fn resume_path() -> String {
    format!("/api/v1/publishers/{}/endpoints/{}/resume", Uuid::from_u128(PUBLISHER), endpoint_id())
}

/// Two tenants with the same ids; the endpoint of the first is paused and three deliveries wait for it.
async fn paused() -> (Stage, Tenant, Tenant) {
    let stage = one_by_one().await;
    let (gone, well) = (Tenant::new(1), Tenant::new(2));
    stage.introduce(gone).await;
    let endpoint = well.endpoint(format!("{}/well?id={{conversion_id}}", stage.publisher.url()));
    stage.say_catalog([well.envelope(&well.offer(1)), well.publisher(1, vec![endpoint])]).await;
    stage
        .say_catalog([
            gone.token(MANAGER, TokenRole::Manager),
            gone.token(PARTNER, TokenRole::Publisher),
            well.token(STRANGER, TokenRole::Manager),
        ])
        .await;
    stage.publisher.answer("/cb", [Answer::status(410)]);
    tell(&stage, gone, 0..10).await;
    stage.rows("endpoint_conditions WHERE paused_at IS NOT NULL AND gone = 10", 1).await;
    tell(&stage, gone, 10..13).await;
    stage.rows("deliveries WHERE state = 'waiting' AND due_at <= now() AND lease IS NULL", 3).await;
    // The same endpoint of another tenant is another endpoint; and everything that is due has been looked at.
    tell(&stage, well, 0..5).await;
    stage.rows(&format!("deliveries WHERE tenant_id = '{}' AND state = 'delivered'", well.0), 5).await;
    assert_eq!(stage.publisher.deliveries_to("/cb").len(), 10);
    (stage, gone, well)
}

async fn endpoint_of(stage: &Stage, token: &str) -> Value {
    let (status, health) = stage.get(&health_path(), Some(token)).await;
    assert_eq!(status, 200, "{health}");
    health.pointer("/endpoints/0").expect("an endpoint").clone()
}

#[tokio::test]
async fn ten_410_in_a_row_pause_an_endpoint_until_a_person_resumes_it() {
    let (stage, gone, _) = paused().await;
    let shown = endpoint_of(&stage, PARTNER).await;
    assert_eq!((&shown["paused"], &shown["goneInARow"]), (&json!(true), &json!(10)));
    assert_eq!(shown["backlog"]["due"], 3);
    assert_eq!(endpoint_of(&stage, STRANGER).await["paused"], false);
    let path = format!("/api/v1/conversions/{}", gone.conversion_id(12));
    let waiting = stage.get(&path, Some(PARTNER)).await.1["deliveries"][0].clone();
    assert_eq!((&waiting["state"], &waiting["waitsFor"]), (&json!("waiting"), &json!("paused_endpoint")));
    assert_eq!(waiting["attemptCount"], 0);

    let because = json!({"reason": " They are back. "});
    assert_eq!(stage.post(&resume_path(), None, &because).await.0, 401);
    assert_eq!(stage.post(&resume_path(), Some(PARTNER), &because).await.0, 403);
    let (status, refused) = stage.post(&resume_path(), Some(STRANGER), &because).await;
    assert_eq!((status, &refused["code"]), (409, &json!("endpoint_is_not_held")));
    let (status, refused) = stage.post(&resume_path(), Some(MANAGER), &json!({"reason": " "})).await;
    assert_eq!((status, &refused["errors"][0]["field"]), (422, &json!("reason")));
    let nobody = resume_path().replace(&endpoint_id().to_string(), &Uuid::from_u128(77).to_string());
    assert_eq!(stage.post(&nobody, Some(MANAGER), &because).await.0, 404);
    assert_eq!(stage.publisher.deliveries_to("/cb").len(), 10);

    stage.publisher.answer("/cb", [Answer::status(200)]);
    let (status, resumed) = stage.post(&resume_path(), Some(MANAGER), &because).await;
    assert_eq!((status, &resumed["paused"], &resumed["goneInARow"]), (200, &json!(false), &json!(0)));
    stage.rows(&format!("deliveries WHERE tenant_id = '{}' AND state = 'delivered'", gone.0), 3).await;
    let (status, _) = stage.post(&resume_path(), Some(MANAGER), &because).await;
    assert_eq!(status, 409, "there is nothing more to resume");
    stage.rows("endpoint_pauses WHERE number = 1 AND change = 'paused' AND made_by = 'answers'", 1).await;
    let by_person = "number = 2 AND change = 'resumed' AND made_by = 'person' AND reason = 'They are back.'";
    let of_token = "token_id = (SELECT token_id FROM api_tokens WHERE role = 'manager' AND tenant_id = endpoint_pauses.tenant_id)";
    stage.rows(&format!("endpoint_pauses WHERE {by_person} AND {of_token}"), 1).await;
    stage.rows("endpoint_pauses", 2).await;
    stage.strike().await;
}

#[tokio::test]
async fn one_that_is_still_gone_is_paused_again() {
    let (stage, gone, _) = paused().await;
    let because = json!({"reason": "They say that they are back."});
    assert_eq!(stage.post(&resume_path(), Some(MANAGER), &because).await.0, 200);
    tell(&stage, gone, 13..23).await;
    stage.rows("endpoint_conditions WHERE paused_at IS NOT NULL AND pauses = 3", 1).await;
    assert_eq!(stage.publisher.deliveries_to("/cb").len(), 20);
    stage.rows("deliveries WHERE state = 'waiting'", 3).await;
    stage.strike().await;
}

#[tokio::test]
async fn another_url_resumes_it_and_the_same_one_does_not() {
    let (stage, gone, well) = paused().await;
    let same = gone.endpoint(stage.template());
    stage.say_catalog([gone.publisher(2, vec![same])]).await;
    tell(&stage, well, 5..8).await;
    stage.rows(&format!("deliveries WHERE tenant_id = '{}' AND state = 'delivered'", well.0), 8).await;
    stage.rows("endpoint_conditions WHERE paused_at IS NOT NULL", 1).await;
    assert_eq!(stage.publisher.deliveries_to("/cb").len(), 10);

    let moved = gone.endpoint(format!("{}/new?id={{conversion_id}}", stage.publisher.url()));
    stage.say_catalog([gone.publisher(3, vec![moved])]).await;
    stage.rows(&format!("deliveries WHERE tenant_id = '{}' AND state = 'delivered'", gone.0), 3).await;
    assert_eq!(stage.publisher.deliveries_to("/new").len(), 3);
    stage
        .rows("endpoint_pauses WHERE change = 'resumed' AND made_by = 'catalog' AND token_id IS NULL", 1)
        .await;
    stage.strike().await;
}

#[tokio::test]
async fn what_waits_for_one_that_is_switched_off_ends() {
    let (stage, gone, _) = paused().await;
    stage.say_catalog([gone.publisher(2, vec![])]).await;
    stage.rows("deliveries WHERE state = 'stopped'", 13).await;
    assert_eq!(stage.publisher.deliveries_to("/cb").len(), 10);
    stage.strike().await;
}

#[tokio::test]
async fn any_other_answer_ends_the_run() {
    let stage = one_by_one().await;
    let moody = Tenant::new(1);
    stage.introduce(moody).await;
    let nine = || std::iter::repeat_n(Answer::status(410), 9);
    stage
        .publisher
        .answer("/cb", nine().chain([Answer::status(200)]).chain(nine()).chain([Answer::status(200)]));
    tell(&stage, moody, 0..20).await;
    stage.rows("deliveries WHERE state = 'stopped'", 18).await;
    stage.rows("deliveries WHERE state = 'delivered'", 2).await;
    stage.rows("endpoint_pauses", 0).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_newer_status_replaces_one_that_waits_for_a_paused_endpoint() {
    let (stage, gone, _) = paused().await;
    stage.say_verdicts([gone.vetoed(&gone.verdict(12))]).await;
    stage.rows("conversions WHERE status = 'flagged'", 1).await;
    let curious = {
        let mut endpoint = gone.endpoint(stage.template());
        endpoint.statuses = [contracts::catalog::ConversionStatus::Success.into()].to_vec();
        endpoint
    };
    stage.say_catalog([gone.publisher(2, vec![curious])]).await;
    let reject = json!({"decision": "Reject", "reason": "A test device."});
    let path = format!("/api/v1/conversions/{}/decisions", gone.conversion_id(11));
    assert_eq!(stage.post(&path, Some(MANAGER), &reject).await.0, 200);
    stage.rows("deliveries WHERE state = 'superseded' AND attempts = 0", 1).await;
    stage.strike().await;
}
