//! Postbacks are found by whatever people know of them.

use crate::{
    facts::{Tenant, offer_and_publisher, receipt},
    stage::Stage,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_postback_is_found_by_any_id() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_catalog([tenant.token("gkt_ours"), Tenant::new(2).token("gkt_theirs")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 2).await;
    stage.say_clicks([tenant.click(1), tenant.click(2)]).await;
    let wanted = tenant.received(
        &format!(
            "gk_click_id={}&cnv_event_id=af_purchase&cnv_conversion_id=order-1&appsflyer_id=141-65&cnv_amount=1",
            tenant.click_id(1)
        ),
        20,
    );
    stage.say_postbacks([wanted.clone(), tenant.postback(2, "Install", 30)]).await;
    stage.coded("QUALIFIED", 2).await;
    let (offer, publisher) = offer_and_publisher();
    let click = tenant.click_id(1);
    for filter in [
        format!("gk_click_id={click}"),
        String::from("conversion_id=order-1"),
        String::from("appsflyer_id=141-65"),
        String::from("pub_member_id=member%201"),
        format!("offer_id={offer}&publisher_id={publisher}&event_id=af_purchase&code=QUALIFIED"),
        String::from("pub_click_id=their%20click&conversion_id=order-1"),
        format!("gk_click_id={click}&conversion_id=order-1"),
    ] {
        let path = format!("/api/v1/postbacks?{filter}");
        let (status, body) = stage.get(&path, Some("gkt_ours")).await;
        assert_eq!((status, body["total"].as_u64()), (200, Some(1)), "{filter}: {body}");
        let found = &body["items"][0];
        assert_eq!(found["receipt"], serde_json::json!(receipt(&wanted)), "{filter}");
        assert_eq!(found["eventId"], "af_purchase", "{filter}");
        assert_eq!(found["publisherId"], serde_json::json!(publisher), "{filter}");
        assert_eq!(stage.get(&path, Some("gkt_theirs")).await.1["total"], 0, "{filter}");
    }
    let (_, body) = stage.get(&format!("/api/v1/postbacks?offer_id={offer}"), Some("gkt_ours")).await;
    assert_eq!(body["total"], 2);
    let (status, body) = stage.get("/api/v1/postbacks?event_id=a%00b", Some("gkt_ours")).await;
    assert_eq!((status, body["total"].as_u64()), (200, Some(0)), "{body}");
    let upside_down =
        "/api/v1/postbacks?received_from=2026-11-22T00:00:00Z&received_until=2026-11-21T00:00:00Z";
    let (status, body) = stage.get(upside_down, Some("gkt_ours")).await;
    assert_eq!((status, body["errors"][0]["field"].as_str()), (422, Some("received_until")), "{body}");
    stage.strike().await;
}
