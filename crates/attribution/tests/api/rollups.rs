//! Counts are exact, whatever happened on the way.

use crate::{facts::Tenant, stage::Stage};

/// Places in which the rollups and the decisions differ.
const WRONG: &str = "WITH held AS (
        SELECT tenant_id, hour, code, offer_id, publisher_id, event_id, country, platform,
            sum(postbacks)::bigint AS postbacks
        FROM (SELECT tenant_id, hour, code, offer_id, publisher_id, event_id, country, platform, postbacks FROM rollups
            UNION ALL
            SELECT tenant_id, hour, code, offer_id, publisher_id, event_id, country, platform, postbacks
            FROM rollup_deltas) AS halves
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 HAVING sum(postbacks) <> 0
    ), counted AS (
        SELECT tenant_id, date_trunc('hour', received_at, 'UTC') AS hour, code,
            coalesce(offer_id, '00000000-0000-0000-0000-000000000000') AS offer_id,
            coalesce(publisher_id, '00000000-0000-0000-0000-000000000000') AS publisher_id,
            coalesce(event_id, '') AS event_id, coalesce(country, '') AS country, coalesce(platform, '') AS platform,
            count(*) AS postbacks
        FROM decisions WHERE is_current GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    )
    SELECT (SELECT count(*) FROM (TABLE held EXCEPT TABLE counted) AS more)
        + (SELECT count(*) FROM (TABLE counted EXCEPT TABLE held) AS less) AS count";

#[tokio::test(flavor = "multi_thread")]
async fn rollups_are_the_count_over_decisions_after_redelivery_and_rejudgement_by_two_replicas() {
    let tenant = Tenant::new(1);
    let stage = Stage::replicas_with(2, &tenant).await;
    stage.say_catalog([tenant.token("gkt_analyst")]).await;
    let mut postbacks = Vec::new();
    for number in 0..12 {
        // Out of order, two countries and platforms, one that nothing maps, one that repeats, one without a click.
        let of = |event: &str, more: &str, at: i64| {
            tenant
                .received(&format!("gk_click_id={}&cnv_event_id={event}{more}", tenant.click_id(number)), at)
        };
        postbacks.push(of("level_10", "&country_code=de&platform=iphone", 10));
        postbacks.push(of("Install", "&country_code=US&platform=android", 20));
        postbacks.push(of("level_20", "", 30));
        postbacks.push(of("Install", "", 40));
        postbacks.push(tenant.received("cnv_event_id=Install", 50 + i64::from(number)));
    }
    for _ in 0..3 {
        stage.say_postbacks(postbacks.clone()).await;
    }
    stage.coded("WAITING_CLICK", 48).await;
    assert_eq!(stage.count(WRONG).await, 0, "before the clicks");
    stage.say_clicks((0..12).map(|number| tenant.click(number))).await;
    stage.coded("QUALIFIED", 24).await;
    stage.coded("UNMAPPED_EVENT", 12).await;
    assert_eq!(stage.count(WRONG).await, 0, "after the clicks");
    postbacks.reverse();
    stage.say_postbacks(postbacks).await;
    stage.say_catalog([tenant.offer_version(2, &["level_20"])]).await;
    stage.coded("QUALIFIED", 36).await;
    stage.coded("DUPLICATE", 12).await;
    assert_eq!(stage.count(WRONG).await, 0, "after another version");
    stage.rows("SELECT count(*) AS count FROM rollup_deltas", 0).await;
    assert_eq!(stage.count(WRONG).await, 0, "folded");

    let (status, body) = stage.get("/api/v1/rollups", Some("gkt_analyst")).await;
    assert_eq!((status, body["total"].as_u64()), (200, Some(3)), "{body}");
    assert_eq!(body["items"][0]["by"]["code"], "QUALIFIED");
    assert_eq!(body["items"][0]["postbacks"], 36);
    let path = "/api/v1/rollups?by=country,platform&code=QUALIFIED&event_id=level_10";
    let (_, body) = stage.get(path, Some("gkt_analyst")).await;
    assert_eq!(body["items"][0]["by"], serde_json::json!({"country": "DE", "platform": "ios"}), "{body}");
    assert_eq!((body["items"][0]["postbacks"].as_i64(), body["total"].as_u64()), (Some(12), Some(1)));
    let (status, body) = stage.get("/api/v1/rollups?by=code,moon", Some("gkt_analyst")).await;
    assert_eq!((status, body["errors"][0]["field"].as_str()), (400, Some("by")), "{body}");

    stage.meddle("UPDATE rollups SET postbacks = postbacks + 7 WHERE code = 'QUALIFIED'").await;
    stage.meddle("DELETE FROM rollups WHERE code = 'DUPLICATE'").await;
    assert_ne!(stage.count(WRONG).await, 0, "a hand in the database");
    stage.command(["rebuild-rollups"]).await.unwrap();
    assert_eq!(stage.count(WRONG).await, 0, "rebuilt");
    stage.strike().await;
}
