//! What-if: a draft and pasted postbacks.

use serde_json::{Value, json};

use crate::{facts::Tenant, stage::Stage};

fn draft() -> Value {
    json!({
        "name": "Golfin iOS", "currency": "USD", "headline": "passed over",
        "events": [
            {"eventId": "Install", "sequenceNumber": 1, "revenue": "2.00", "payout": "1.00"},
            {"eventId": "level_10", "sequenceNumber": 2, "revenue": {"model": "FlatRate", "amount": "5"},
                "payout": {"model": "RevenueShare", "percent": "60"}},
            {"eventId": "purchase", "revenue": {"model": "Percent", "percent": "50"}, "payout": "0.10"}
        ]
    })
}

fn codes(moment: &Value) -> Vec<(u64, &str)> {
    let decisions = moment["decisions"].as_array().expect("as documented");
    decisions
        .iter()
        .map(|one| {
            (one["postback"].as_u64().expect("as documented"), one["code"].as_str().expect("as documented"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_tried_with_pasted_postbacks_and_nothing_is_written() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_catalog([tenant.token("gkt_analyst")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 1).await;
    let ask = json!({
        "clickedAt": "2026-12-01T10:00:00Z",
        "version": draft(),
        "postbacks": [
            {"receivedAt": "2026-12-01T10:30:00Z", "query": "cnv_event_id=Install"},
            {"receivedAt": "2026-12-01T10:10:00Z", "query": "cnv_event_id=level_10"},
            {"receivedAt": "2026-12-01T11:00:00Z", "query": "cnv_event_id=purchase"},
            {"receivedAt": "2026-12-01T12:00:00Z", "query": "cnv_event_id=purchase&cnv_amount=4&cnv_currency=USD"}
        ]
    });
    let (status, body) = stage.post("/api/v1/simulate", "gkt_analyst", &ask).await;
    assert_eq!(status, 200, "{body}");
    let timeline = body["timeline"].as_array().unwrap();
    assert_eq!(timeline.len(), 4, "{body}");
    assert_eq!((codes(&timeline[0]), &timeline[0]["postback"]), (vec![(1, "WAITING_SEQUENCE")], &json!(1)));
    let mut lifted = codes(&timeline[1]);
    lifted.sort_unstable();
    assert_eq!(lifted, [(0, "QUALIFIED"), (1, "QUALIFIED")], "the install releases the level");
    let level = timeline[1]["conversions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["eventId"] == "level_10")
        .unwrap();
    assert_eq!(level["money"], json!({"currency": "USD", "revenue": "5.00", "payout": "3.00"}), "{level}");
    let purchase = &timeline[2]["conversions"][0];
    assert!(purchase["money"]["review"].as_str().unwrap().starts_with("no amount"), "{purchase}");
    assert_eq!(codes(&timeline[3]), [(3, "AMENDMENT")]);
    assert_eq!(timeline[3]["conversions"][0]["change"], "amended");
    assert_eq!(timeline[3]["conversions"][0]["money"]["revenue"], "2.00", "{}", timeline[3]);

    // Alone, the level waits for its grace, and no longer.
    let alone = json!({
        "clickedAt": "2026-12-01T10:00:00Z", "version": draft(),
        "postbacks": [{"receivedAt": "2026-12-01T10:10:00Z", "query": "cnv_event_id=level_10"}]
    });
    let (_, body) = stage.post("/api/v1/simulate", "gkt_analyst", &alone).await;
    let timeline = body["timeline"].as_array().unwrap();
    assert_eq!(codes(&timeline[1]), [(0, "REJECTED_SEQUENCE")], "{body}");
    assert_eq!(timeline[1]["at"], "2026-12-04T10:10:00.000000Z");
    assert!(timeline[1]["postback"].is_null());

    // A stored journey under other terms: what nothing maps there is mapped here.
    stage.say_first_click(tenant.click(1)).await;
    stage.say_postbacks([tenant.postback(1, "purchase", 60)]).await;
    stage.coded("UNMAPPED_EVENT", 1).await;
    let stored = json!({"gkClickId": tenant.click_id(1).as_uuid(), "version": draft()});
    let (status, body) = stage.post("/api/v1/simulate", "gkt_analyst", &stored).await;
    assert_eq!((status, codes(&body["timeline"][0])), (200, vec![(0, "QUALIFIED")]), "{body}");
    let unknown = json!({"gkClickId": tenant.click_id(2).as_uuid(), "version": draft()});
    assert_eq!(stage.post("/api/v1/simulate", "gkt_analyst", &unknown).await.0, 404);
    let both = json!({"gkClickId": tenant.click_id(1).as_uuid(), "clickedAt": "2026-12-01T10:00:00Z", "version": draft()});
    assert_eq!(stage.post("/api/v1/simulate", "gkt_analyst", &both).await.0, 422);

    let mut wrong = alone.clone();
    wrong["version"]["events"][1]["payout"]["percent"] = json!("much");
    let (status, body) = stage.post("/api/v1/simulate", "gkt_analyst", &wrong).await;
    assert_eq!(
        (status, body["errors"][0]["field"].as_str()),
        (422, Some("version.events[1].payout.percent")),
        "{body}"
    );
    assert_eq!(stage.count("SELECT count(*) AS count FROM decisions").await, 1);
    assert_eq!(stage.count("SELECT count(*) AS count FROM journeys").await, 1);
    stage.strike().await;
}
