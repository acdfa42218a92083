//! Telling again what ended: one delivery, many, and what may not be told again.

use std::{collections::BTreeMap, time::Duration};

use contracts::{
    attribution::ConversionVerdict,
    catalog::{ConversionStatus, TokenRole},
    payout::{DeliveryOutcome, DeliveryResult},
};
use serde_json::{Value, json};
use test_kit::{Answer, eventually};

use crate::{
    facts::{Tenant, terms},
    stage::{SOON, Stage},
};

const MANAGER: &str = "gkt_manager";
const PARTNER: &str = "gkt_partner";
const STRANGER: &str = "gkt_stranger";
pub(crate) const ORDERS: &str = "/api/v1/delivery-replays";
pub(crate) const PUBLISHER: &str = "00000000-0000-0000-0000-0000000000b1";

async fn stage_with(replicas: usize, change: impl Fn(&mut payout::Settings)) -> (Stage, Tenant) {
    let stage = Stage::with(replicas, change).await;
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

pub(crate) async fn stage() -> (Stage, Tenant) {
    stage_with(1, |_| ()).await
}

/// The publisher hears every status.
async fn make_curious(stage: &Stage, tenant: Tenant, statuses: &[ConversionStatus]) {
    let mut curious = tenant.endpoint(stage.template());
    curious.statuses = statuses.iter().map(|status| (*status).into()).collect();
    stage.say_catalog([tenant.publisher(2, vec![curious])]).await;
}

/// The first attempt failed; the last one of the schedule is due.
async fn at_the_last_attempt(stage: &Stage, told: &str) {
    let first =
        format!("deliveries WHERE told = '{told}' AND state = 'waiting' AND attempts = 1 AND lease IS NULL");
    stage.rows(&first, 1).await;
    stage
        .meanwhile(
            "UPDATE deliveries SET attempts = 9, due_at = now() WHERE state = 'waiting' AND lease IS NULL",
        )
        .await;
    stage.rows(&format!("deliveries WHERE told = '{told}' AND state = 'exhausted'"), 1).await;
}

async fn delivery_of(stage: &Stage, query: &str) -> String {
    let (_, page) = stage.get(&format!("/api/v1/deliveries?{query}"), Some(MANAGER)).await;
    let id = page.pointer("/items/0/deliveryId").and_then(Value::as_str);
    id.unwrap_or_else(|| panic!("{query}: {page}")).to_owned()
}

fn replay_of(delivery: &str) -> String {
    format!("/api/v1/deliveries/{delivery}/replay")
}

fn why() -> Value {
    json!({ "reason": "The publisher repaired its endpoint." })
}

pub(crate) fn order(states: &[&str]) -> Value {
    json!({ "publisherId": PUBLISHER, "states": states, "reason": "The publisher lost a day." })
}

pub(crate) fn id(replay: &Value) -> &str {
    replay["replayId"].as_str().unwrap_or_else(|| panic!("{replay}"))
}

async fn replay(stage: &Stage, id: &str) -> Value {
    let (status, replay) = stage.get(&format!("{ORDERS}/{id}"), Some(MANAGER)).await;
    assert_eq!(status, 200, "{replay}");
    replay
}

/// The order once it says so.
pub(crate) async fn replay_when(stage: &Stage, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually("the replay is so far", SOON, async || {
        let replay = replay(stage, id).await;
        if is_so(&replay) { Ok(replay) } else { Err(replay) }
    })
    .await
}

#[tokio::test]
async fn an_exhausted_delivery_is_told_again_under_its_name_with_a_new_schedule() {
    let (stage, brownboots) = stage().await;
    stage.publisher.answer("/cb", [500, 500, 500, 200].map(Answer::status));
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    at_the_last_attempt(&stage, "success").await;
    let delivery = delivery_of(&stage, "state=exhausted").await;

    let (status, ordered) = stage.post(&replay_of(&delivery), Some(MANAGER), &why()).await;
    assert_eq!((status, &ordered["state"], &ordered["total"]), (202, &json!("done"), &json!(1)), "{ordered}");
    stage.told(3).await;
    // The first delay of the schedule, although it is the eleventh attempt: 5 s ± 20 %.
    stage
        .rows(
            "delivery_attempts WHERE number = 11 AND next_due_at - started_at BETWEEN '3.9 s' AND '10 s'",
            1,
        )
        .await;
    let (status, refused) = stage.post(&replay_of(&delivery), Some(MANAGER), &why()).await;
    assert_eq!((status, &refused["code"]), (409, &json!("delivery_is_waiting")));
    stage.pause_ends().await;
    let heard = stage.told(4).await;
    assert!(heard.iter().all(|postback| postback.header("webhook-id") == heard[0].header("webhook-id")));

    let done = replay_when(&stage, id(&ordered), |replay| replay["progress"]["delivered"] == 1).await;
    assert_eq!(
        done["progress"],
        json!({
            "sent": 1, "delivered": 1, "failed": 0, "superseded": 0, "waiting": 0, "skipped": []
        })
    );
    let (_, shown) = stage.get(&format!("/api/v1/deliveries/{delivery}"), Some(MANAGER)).await;
    assert_eq!((&shown["state"], &shown["replayId"]), (&json!("delivered"), &ordered["replayId"]));
    // Who, and why.
    let (_, orders) = stage.get(ORDERS, Some(MANAGER)).await;
    assert_eq!((&orders["total"], &orders["items"][0]["reason"]), (&json!(1), &why()["reason"]));
    assert!(orders["items"][0]["tokenId"].is_string());
    let outcomes = stage.said_count::<DeliveryOutcome>(2).await;
    let ends: Vec<_> = outcomes.iter().map(|outcome| (outcome.version, outcome.result())).collect();
    assert_eq!(ends, [(1, DeliveryResult::Exhausted), (2, DeliveryResult::Delivered)]);
    stage.strike().await;
}

#[tokio::test]
async fn a_publisher_ends_on_the_newest_status_whatever_is_replayed() {
    let (stage, brownboots) = stage().await;
    make_curious(&stage, brownboots, &[ConversionStatus::Pending, ConversionStatus::Success]).await;
    stage.publisher.answer("/cb", [500, 500, 200].map(Answer::status));
    let held = ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(1) };
    stage.say_verdicts([brownboots.qualified(held)]).await;
    at_the_last_attempt(&stage, "pending").await;
    stage.holds_end().await;
    stage.rows("deliveries WHERE told = 'success' AND state = 'delivered'", 1).await;

    let outdated = delivery_of(&stage, "state=exhausted").await;
    let (status, refused) = stage.post(&replay_of(&outdated), Some(MANAGER), &why()).await;
    assert_eq!((status, &refused["code"]), (409, &json!("delivery_is_superseded")), "{refused}");
    let (status, ordered) = stage.post(ORDERS, Some(MANAGER), &order(&["delivered", "exhausted"])).await;
    assert_eq!((status, &ordered["total"]), (202, &json!(2)), "{ordered}");
    let done = replay_when(&stage, id(&ordered), |replay| {
        replay["state"] == "done" && replay["progress"]["delivered"] == 1
    })
    .await;
    assert_eq!((&done["replayed"], &done["skipped"]), (&json!(1), &json!(1)));
    assert_eq!(done["progress"]["skipped"], json!([{ "because": "superseded", "deliveries": 1 }]));
    let statuses: Vec<_> = stage.told(4).await.iter().filter_map(|postback| postback.param("s")).collect();
    assert_eq!(statuses, ["Pending", "Pending", "Success", "Success"]);
    stage.strike().await;
}

#[tokio::test]
async fn a_status_that_moved_on_untold_is_not_told_again_either() {
    let (stage, brownboots) = stage().await;
    make_curious(&stage, brownboots, &[ConversionStatus::Pending]).await;
    let held = ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(1) };
    stage.say_verdicts([brownboots.qualified(held.clone())]).await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    stage.say_verdicts([brownboots.vetoed(&held)]).await;
    stage.rows("conversions WHERE status = 'rejected'", 1).await;
    let outdated = delivery_of(&stage, "state=delivered").await;
    let (status, refused) = stage.post(&replay_of(&outdated), Some(MANAGER), &why()).await;
    assert_eq!((status, &refused["code"]), (409, &json!("delivery_is_superseded")), "{refused}");
    assert_eq!(stage.publisher.deliveries().len(), 1);
    stage.strike().await;
}

#[tokio::test]
async fn a_status_that_moves_on_while_it_is_told_again_replaces_it() {
    let (stage, brownboots) = stage().await;
    make_curious(&stage, brownboots, &[ConversionStatus::Pending, ConversionStatus::Success]).await;
    stage.publisher.answer("/cb", [200, 500, 200].map(Answer::status));
    let held = ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(1) };
    stage.say_verdicts([brownboots.qualified(held)]).await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    let delivery = delivery_of(&stage, "state=delivered").await;
    let (_, ordered) = stage.post(&replay_of(&delivery), Some(MANAGER), &why()).await;
    stage.rows("deliveries WHERE state = 'waiting' AND attempts = 2 AND lease IS NULL", 1).await;
    stage.holds_end().await;
    let heard = stage.told(3).await;
    assert_eq!(heard[2].param("s").as_deref(), Some("Success"));
    let done = replay_when(&stage, id(&ordered), |replay| replay["progress"]["superseded"] == 1).await;
    assert_eq!((&done["progress"]["sent"], &done["progress"]["waiting"]), (&json!(1), &json!(0)));
    stage.strike().await;
}

#[tokio::test]
async fn many_are_told_again_by_two_replicas_across_a_kill_and_beside_what_is_new() {
    const MANY: u8 = 200;
    let slowly = |settings: &mut payout::Settings| {
        settings.client.connect_timeout_ms = 1_000;
        settings.client.total_timeout_ms = 3_000;
        settings.delivery.lease_seconds = 8;
    };
    let (mut stage, brownboots) = stage_with(2, slowly).await;
    stage.say_verdicts((0..MANY).map(|click| brownboots.qualified(brownboots.verdict(click)))).await;
    let many = i64::from(MANY);
    stage.rows("deliveries WHERE state = 'delivered'", many).await;
    stage.publisher.answer("/cb", [Answer::status(200).after(Duration::from_millis(800))]);
    let (status, ordered) = stage.post(ORDERS, Some(MANAGER), &order(&["delivered"])).await;
    assert_eq!((status, &ordered["total"], &ordered["state"]), (202, &json!(many), &json!("running")));
    let order_id = id(&ordered).to_owned();

    stage.told(usize::from(MANY) + 1).await;
    stage.kill().await;
    stage.rows("delivery_replays WHERE state = 'running' AND replayed > 0", 1).await;
    stage.start_another().await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(250))]).await;
    let new = brownboots.conversion_id(250);
    stage.rows(&format!("deliveries WHERE conversion_id = '{new}' AND state = 'delivered'"), 1).await;
    assert_eq!(replay(&stage, &order_id).await["state"], "running", "what is new does not wait for its end");

    stage.publisher.answer("/cb", [Answer::status(200)]);
    let done = replay_when(&stage, &order_id, |replay| {
        let waiting = replay["progress"]["waiting"].as_i64().unwrap();
        assert!(waiting <= 50, "at most 50 are due at a time: {replay}");
        replay["state"] == "done" && replay["progress"]["delivered"] == many
    })
    .await;
    assert_eq!(
        (&done["replayed"], &done["skipped"], &done["total"]),
        (&json!(many), &json!(0), &json!(many))
    );
    let mut heard: BTreeMap<String, usize> = BTreeMap::new();
    for postback in stage.publisher.deliveries() {
        *heard.entry(postback.header("webhook-id").unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(heard.len(), usize::from(MANY) + 1);
    let once = heard.values().filter(|times| **times < 2).count();
    assert_eq!(once, 1, "all but the new one were told at least twice");
    stage.rows("delivery_replay_items", many).await;
    stage.strike().await;
}

#[tokio::test]
async fn an_order_is_stopped_and_is_the_only_one_of_its_publisher() {
    let (stage, brownboots) = stage().await;
    stage.say_verdicts((0..120).map(|click| brownboots.qualified(brownboots.verdict(click)))).await;
    stage.rows("deliveries WHERE state = 'delivered'", 120).await;
    stage.publisher.answer("/cb", [Answer::status(200).after(Duration::from_millis(500))]);
    let (_, ordered) = stage.post(ORDERS, Some(MANAGER), &order(&["delivered"])).await;
    let (status, again) = stage.post(ORDERS, Some(MANAGER), &order(&["delivered"])).await;
    assert_eq!((status, id(&again)), (202, id(&ordered)), "the same call makes one order");
    let (status, refused) = stage.post(ORDERS, Some(MANAGER), &order(&["exhausted"])).await;
    assert_eq!((status, &refused["code"]), (409, &json!("replay_is_running")), "{refused}");
    stage.told(121).await;

    let stop = format!("{ORDERS}/{}/stop", id(&ordered));
    let (status, stopped) = stage.post(&stop, Some(MANAGER), &json!({})).await;
    assert_eq!((status, &stopped["state"]), (200, &json!("stopped")), "{stopped}");
    assert!(stopped["stoppedBy"].is_string() && stopped["endedAt"].is_string());
    assert_eq!(stage.post(&stop, Some(MANAGER), &json!({})).await.0, 200, "once more changes nothing");
    stage.publisher.answer("/cb", [Answer::status(200)]);
    let over = replay_when(&stage, id(&ordered), |replay| replay["progress"]["waiting"] == 0).await;
    let replayed = over["replayed"].as_u64().unwrap();
    assert!((1..120).contains(&replayed), "{over}");
    assert_eq!((&over["state"], &over["progress"]["delivered"]), (&json!("stopped"), &json!(replayed)));

    // Another may follow, and what is done can not be stopped.
    let (_, next) = stage.post(ORDERS, Some(MANAGER), &order(&["exhausted"])).await;
    let done = replay_when(&stage, id(&next), |replay| replay["state"] == "done").await;
    assert_eq!((&done["total"], &done["replayed"]), (&json!(0), &json!(0)));
    let (status, refused) =
        stage.post(&format!("{ORDERS}/{}/stop", id(&next)), Some(MANAGER), &json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("replay_is_over")));
    stage.strike().await;
}

#[tokio::test]
async fn a_call_that_is_made_twice_under_one_key_is_made_once() {
    let (stage, brownboots) = stage().await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    let delivery = delivery_of(&stage, "state=delivered").await;
    let ask = async |path: &str, body: &Value, key: &str| {
        let request = test_kit::http_client()
            .post(format!("http://{}{path}", stage.address))
            .header("authorization", format!("ApiToken {MANAGER}"))
            .header("idempotency-key", key)
            .json(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let path = replay_of(&delivery);
    let (status, first) = ask(&path, &why(), "one").await;
    assert_eq!(status, 202, "{first}");
    stage.told(2).await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    let (status, second) = ask(&path, &why(), "one").await;
    assert_eq!((status, id(&second)), (202, id(&first)));
    let (status, refused) = ask(&path, &json!({ "reason": "another" }), "one").await;
    assert_eq!((status, &refused["code"]), (422, &json!("idempotency_key_reused")));
    assert_eq!(ask(&path, &why(), "not\tone").await.0, 400);

    let (_, first) = ask(ORDERS, &order(&["delivered"]), "two").await;
    replay_when(&stage, id(&first), |replay| replay["state"] == "done").await;
    let (status, second) = ask(ORDERS, &order(&["delivered"]), "two").await;
    assert_eq!((status, id(&second)), (202, id(&first)));
    assert_eq!(ask(ORDERS, &order(&["exhausted"]), "two").await.0, 422);
    stage.told(3).await;
    stage.rows("delivery_replays", 2).await;
    stage.strike().await;
}

#[tokio::test]
async fn who_may_not_have_it_told_again_and_what_is_no_order() {
    let (stage, brownboots) = stage().await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    let delivery = delivery_of(&stage, "state=delivered").await;
    for (token, expected) in [(None, 401), (Some(PARTNER), 403), (Some(STRANGER), 404)] {
        assert_eq!(stage.post(&replay_of(&delivery), token, &why()).await.0, expected, "{token:?}");
    }
    assert_eq!(stage.post(ORDERS, Some(PARTNER), &order(&["delivered"])).await.0, 403);
    assert_eq!(stage.get(ORDERS, Some(PARTNER)).await.0, 403);
    // Tenants know nothing of each other's publishers.
    let (status, refused) = stage.post(ORDERS, Some(STRANGER), &order(&["delivered"])).await;
    assert_eq!((status, &refused["errors"][0]["field"]), (422, &json!("publisherId")));

    let with = |field: &str, value: Value| {
        let mut order = order(&["delivered"]);
        order[field] = value;
        order
    };
    for (body, field) in [
        (with("reason", json!("  ")), "reason"),
        (with("states", json!([])), "states"),
        (with("endpointId", json!(PUBLISHER)), "endpointId"),
        (with("from", json!("0001-01-01T00:00:00Z")), "from"),
    ] {
        let (status, refused) = stage.post(ORDERS, Some(MANAGER), &body).await;
        assert_eq!((status, &refused["errors"][0]["field"]), (422, &json!(field)), "{refused}");
    }
    let mut backwards = with("from", json!("2026-02-01T00:00:00Z"));
    backwards["to"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(stage.post(ORDERS, Some(MANAGER), &backwards).await.0, 422);

    // What would only wait for a person is not made due: it would keep others' replays waiting, too.
    stage
        .meanwhile(
            "INSERT INTO endpoint_conditions (tenant_id, endpoint_id, paused_at)
            SELECT tenant_id, endpoint_id, now() FROM postback_endpoints
            ON CONFLICT (tenant_id, endpoint_id) DO UPDATE SET paused_at = now()",
        )
        .await;
    let (status, refused) = stage.post(&replay_of(&delivery), Some(MANAGER), &why()).await;
    assert_eq!((status, &refused["code"]), (409, &json!("endpoint_is_paused")), "{refused}");

    stage.say_catalog([brownboots.publisher(2, vec![])]).await;
    let (status, refused) = stage.post(&replay_of(&delivery), Some(MANAGER), &why()).await;
    assert_eq!((status, &refused["code"]), (409, &json!("endpoint_is_off")), "{refused}");
    let (_, ordered) = stage.post(ORDERS, Some(MANAGER), &order(&["delivered"])).await;
    let done = replay_when(&stage, id(&ordered), |replay| replay["state"] == "done").await;
    assert_eq!(done["progress"]["skipped"], json!([{ "because": "endpoint_is_off", "deliveries": 1 }]));
    assert_eq!(stage.publisher.deliveries().len(), 1);
    stage.strike().await;
}

#[tokio::test]
async fn an_order_that_can_not_be_read_holds_up_nobody_elses() {
    let (stage, broken) = stage().await;
    let other = Tenant::new(2);
    stage.introduce(other).await;
    for tenant in [broken, other] {
        stage.say_verdicts([tenant.qualified(tenant.verdict(1))]).await;
    }
    stage.rows("deliveries WHERE state = 'delivered'", 2).await;
    stage.meanwhile("ALTER TABLE deliveries DROP CONSTRAINT deliveries_told_check").await;
    let told = |word: &str| format!("UPDATE deliveries SET told = '{word}' WHERE tenant_id = '{}'", broken.0);
    stage.meanwhile(&told("smoke")).await;
    let (_, stuck) = stage.post(ORDERS, Some(MANAGER), &order(&["delivered"])).await;
    // Put off for a minute, and said so.
    stage.rows("delivery_replays WHERE state = 'running' AND step_at > now() + interval '30 s'", 1).await;
    let (status, ordered) = stage.post(ORDERS, Some(STRANGER), &order(&["delivered"])).await;
    assert_eq!(status, 202, "{ordered}");
    stage.rows("delivery_replays WHERE state = 'done' AND replayed = 1", 1).await;

    stage.meanwhile(&told("success")).await;
    stage.meanwhile("UPDATE delivery_replays SET step_at = now() WHERE state = 'running'").await;
    replay_when(&stage, id(&stuck), |replay| replay["progress"]["delivered"] == 1).await;
    assert_eq!(stage.told(4).await.len(), 4);
    stage.strike().await;
}
