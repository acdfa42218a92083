//! The quarantine and what waits.

use contracts::catalog::TokenRole;
use serde_json::json;

use crate::{
    facts::{Tenant, offer_and_publisher},
    stage::{SOON, Stage},
};

async fn with_tokens(tenant: &Tenant) -> Stage {
    let stage = Stage::with(tenant).await;
    stage
        .say_catalog([
            tenant.token("gkt_analyst"),
            tenant.token_of("gkt_manager", TokenRole::Manager, 1),
            tenant.token_of("gkt_publisher", TokenRole::Publisher, 2),
            Tenant::new(2).token("gkt_theirs"),
        ])
        .await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 4).await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_maps_is_grouped_with_what_was_meant_and_driven_again() {
    let tenant = Tenant::new(1);
    let stage = with_tokens(&tenant).await;
    let (offer, _) = offer_and_publisher();
    stage.say_clicks((0..4).map(|number| tenant.click(number))).await;
    stage
        .say_postbacks((0..4).map(|number| tenant.postback(number, "Level-10", 10 + i64::from(number))))
        .await;
    stage.say_postbacks([tenant.postback(1, "mystery", 30)]).await;
    stage.coded("UNMAPPED_EVENT", 5).await;

    let (status, body) = stage.get("/api/v1/quarantine?code=UNMAPPED_EVENT", Some("gkt_analyst")).await;
    assert_eq!((status, body["total"].as_u64()), (200, Some(2)), "{body}");
    let group = &body["items"][0];
    assert_eq!((group["eventId"].as_str(), group["postbacks"].as_i64()), (Some("Level-10"), Some(4)));
    assert_eq!(group["offerId"], json!(offer));
    assert_eq!(group["suggestions"], json!([{"eventId": "level_10", "differsIn": "spacing"}]));
    assert!(group["firstSeen"].as_str() < group["lastSeen"].as_str(), "{group}");
    assert_eq!(body["items"][1]["suggestions"], json!([]));
    assert_eq!(stage.get("/api/v1/quarantine", Some("gkt_theirs")).await.1["total"], 0);
    for path in ["/api/v1/quarantine", "/api/v1/parked", "/api/v1/rollups", "/api/v1/postbacks"] {
        assert_eq!(stage.get(path, Some("gkt_publisher")).await.0, 403, "{path}");
    }

    let ask = json!({"code": "UNMAPPED_EVENT", "offerId": offer, "eventId": "Level-10"});
    let path = "/api/v1/quarantine/redrives";
    assert_eq!(stage.post(path, "gkt_analyst", &ask).await.0, 403);
    let (status, body) = stage
        .post(path, "gkt_manager", &json!({"code": "DUPLICATE", "offerId": offer, "eventId": "x"}))
        .await;
    assert_eq!((status, body["errors"][0]["field"].as_str()), (400, Some("code")), "{body}");
    // The version that maps it was put in by a hand, so that nothing else has the journeys judged again.
    stage.say_catalog([Tenant::new(2).offer_version(2, &["Level-10"])]).await;
    stage.rows("SELECT count(*) AS count FROM offer_versions", 2).await;
    stage
        .meddle("UPDATE offer_versions SET tenant_id = (SELECT tenant_id FROM offer_versions WHERE version = 1) WHERE version = 2")
        .await;
    let (status, body) = stage.post(path, "gkt_manager", &ask).await;
    assert_eq!(status, 202, "{body}");
    let order = format!("{path}/{}", body["redriveId"].as_str().unwrap());
    let done = test_kit::eventually("the order is done", SOON, async || {
        let (_, body) = stage.get(&order, Some("gkt_analyst")).await;
        if body["state"] == "done" { Ok(body) } else { Err(body) }
    })
    .await;
    assert_eq!((done["postbacks"].as_i64(), done["stillThere"].as_i64()), (Some(4), Some(0)), "{done}");
    stage.coded("QUALIFIED", 4).await;
    stage.coded("UNMAPPED_EVENT", 1).await;
    assert_eq!(stage.get(&order, Some("gkt_theirs")).await.0, 404);
    // Once more: nothing is left to do, nothing is said twice.
    let (_, body) = stage.post(path, "gkt_manager", &ask).await;
    assert_ne!(order, format!("{path}/{}", body["redriveId"].as_str().unwrap()), "a new order");
    stage.rows("SELECT count(*) AS count FROM rejudgements", 0).await;
    assert_eq!(stage.said_count(4).await.len(), 4);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_says_for_what_since_when_and_until_when() {
    let tenant = Tenant::new(1);
    let stage = with_tokens(&tenant).await;
    stage.say_first_click(tenant.click(1)).await;
    stage.say_postbacks([tenant.postback(1, "level_10", 10), tenant.postback(2, "Install", 20)]).await;
    stage.coded("WAITING_SEQUENCE", 1).await;
    stage.coded("WAITING_CLICK", 1).await;
    let (status, body) = stage.get("/api/v1/parked", Some("gkt_analyst")).await;
    assert_eq!((status, body["total"].as_u64()), (200, Some(2)), "{body}");
    let (sequence, click) = (&body["items"][0], &body["items"][1]);
    assert_eq!(sequence["code"], "WAITING_SEQUENCE", "the one received first");
    assert_eq!(sequence["eventId"], "level_10");
    assert!(sequence["waitsFor"].as_str().unwrap().starts_with("13. "), "{sequence}");
    assert!(click["offerId"].is_null() && click["until"].is_string(), "{click}");
    assert!(sequence["until"].as_str() > sequence["since"].as_str(), "{sequence}");
    let (_, body) = stage.get("/api/v1/parked?code=WAITING_CLICK", Some("gkt_analyst")).await;
    assert_eq!(body["total"], 1);
    assert_eq!(stage.get("/api/v1/parked?code=QUALIFIED", Some("gkt_analyst")).await.0, 400);
    assert_eq!(stage.get("/api/v1/parked", Some("gkt_theirs")).await.1["total"], 0);
    stage.strike().await;
}
