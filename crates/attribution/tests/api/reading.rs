//! The HTTP API.

use crate::{
    facts::{Tenant, receipt},
    stage::Stage,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_reads_its_own_stories_and_nobody_elses() {
    let (ours, theirs) = (Tenant::new(1), Tenant::new(2));
    let stage = Stage::with(&ours).await;
    stage.say_catalog([ours.token("gkt_ours"), theirs.token("gkt_theirs")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 2).await;
    stage.say_clicks([ours.click(1)]).await;
    let install = ours.postback(1, "Install", 10);
    let purchase = ours
        .received(&format!("gk_click_id={}&cnv_event_id=af_purchase&cnv_amount=4.99", ours.click_id(1)), 20);
    stage.say_postbacks([install.clone(), purchase, ours.postback(1, "mystery", 30)]).await;
    stage.coded("QUALIFIED", 2).await;

    let path = format!("/api/v1/postbacks/{}", receipt(&install));
    let (status, body) = stage.get(&path, Some("gkt_ours")).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["decision"]["code"], "QUALIFIED");
    let trace = body["decision"]["trace"].as_array().unwrap();
    assert_eq!(trace.len(), 14, "every rule has its line");
    assert!(trace[8]["sentence"].as_str().unwrap().starts_with("9. Is the event mapped in the offer? Yes."));
    assert!(body["raw"]["query"].as_str().unwrap().contains("cnv_event_id=Install"));

    let journey = format!("/api/v1/journeys/{}", ours.click_id(1));
    let (status, body) = stage.get(&journey, Some("gkt_ours")).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["postbacks"].as_array().unwrap().len(), 3);
    assert_eq!(body["conversions"].as_array().unwrap().len(), 2);
    assert_eq!(body["click"]["offerVersion"], 1);
    let amounts: Vec<_> =
        body["conversions"].as_array().unwrap().iter().filter_map(|one| one["amount"].as_str()).collect();
    assert_eq!(amounts, ["4.99"]);

    let list = format!("/api/v1/postbacks?gk_click_id={}&page_size=2", ours.click_id(1));
    let (status, body) = stage.get(&list, Some("gkt_ours")).await;
    assert_eq!((status, body["total"].as_u64()), (200, Some(3)), "{body}");
    assert_eq!(body["items"].as_array().unwrap().len(), 2);
    assert_eq!(body["items"][0]["code"], "UNMAPPED_EVENT", "the latest first");
    let (_, body) = stage.get(&format!("{list}&code=QUALIFIED"), Some("gkt_ours")).await;
    assert_eq!(body["total"], 2);
    let (status, body) = stage.get("/api/v1/postbacks?code=GOOD", Some("gkt_ours")).await;
    assert_eq!((status, body["errors"][0]["field"].as_str()), (400, Some("code")));

    for path in [&path, &journey] {
        assert_eq!(stage.get(path, Some("gkt_theirs")).await.0, 404, "{path}");
        assert_eq!(stage.get(path, None).await.0, 401, "{path}");
        assert_eq!(stage.get(path, Some("gkt_nobody")).await.0, 401, "{path}");
    }
    // Ids that are no receipts: without a time, and with one of another age.
    for id in ["6f1c0ab2-0d5c-4e6c-9d55-5f0f7a3c2b11", "ffffffff-ffff-7fff-bfff-ffffffffffff"] {
        let (status, body) = stage.get(&format!("/api/v1/postbacks/{id}"), Some("gkt_ours")).await;
        assert_eq!(status, 404, "{id}: {body}");
    }
    assert_eq!(stage.get(&list, Some("gkt_theirs")).await.1["total"], 0);
    stage.strike().await;
}

#[test]
fn the_openapi_document_has_every_path() {
    let document = <attribution::Attribution as process::Service>::openapi().unwrap();
    for path in [
        "/api/v1/postbacks",
        "/api/v1/postbacks/{receipt}",
        "/api/v1/journeys/{gk_click_id}",
        "/api/v1/rollups",
        "/api/v1/quarantine",
        "/api/v1/quarantine/redrives",
        "/api/v1/quarantine/redrives/{redrive_id}",
        "/api/v1/parked",
        "/api/v1/simulate",
    ] {
        assert!(document.contains(&format!("\"{path}\"")), "{path}");
    }
}
