//! What waits is expired by its time, and lifted all the same by what was received in time.

use crate::{
    facts::{Tenant, receipt},
    stage::Stage,
};

const HOUR: i64 = 3_600;
const DAYS_AGO: i64 = -20 * 24 * HOUR;

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_that_waited_long_enough_is_rejected_and_lifted_by_what_came_in_time() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_first_click(tenant.click(1)).await;
    let level = tenant.postback(1, "level_10", DAYS_AGO);
    stage.say_postbacks([level.clone()]).await;
    stage.coded("REJECTED_SEQUENCE", 1).await;
    stage.say_postbacks([tenant.postback(1, "Install", DAYS_AGO + 71 * HOUR)]).await;
    stage.coded("QUALIFIED", 2).await;
    stage.say_catalog([tenant.token("gkt_analyst")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 1).await;
    let (status, body) =
        stage.get(&format!("/api/v1/postbacks/{}", receipt(&level)), Some("gkt_analyst")).await;
    assert_eq!(status, 200, "{body}");
    let codes: Vec<_> =
        body["earlierDecisions"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert_eq!(codes, ["REJECTED_SEQUENCE", "WAITING_SEQUENCE"]);
    assert_eq!(body["decision"]["revision"], 3);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_that_never_come_end_in_unknown_and_more_than_one_step_is_swept() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    let postbacks: Vec<_> = (0..10).map(|number| tenant.postback(number, "Install", DAYS_AGO)).collect();
    stage.say_postbacks(postbacks).await;
    stage.coded("UNATTRIBUTED_UNKNOWN_CLICK", 10).await;
    stage.rows("SELECT count(*) AS count FROM journeys WHERE wait_until IS NOT NULL", 0).await;
    stage.say_clicks([tenant.click(3)]).await;
    stage.coded("QUALIFIED", 1).await;
    stage.strike().await;
}
