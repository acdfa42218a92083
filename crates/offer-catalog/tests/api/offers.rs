//! Drafts, creation, lists, states.

use contracts::catalog::{OfferChanged, OfferStatus, OfferVersionCreated};
use reqwest::Method;
use serde_json::json;

use crate::catalog::{Catalog, golfin, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_names_every_wrong_field_at_once() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let wrong = json!({
        "offerType": "Triple",
        "name": "x".repeat(201),
        "trackingSystemLink": "not a link",
        "budget": {"total": "lots", "weekly": "1"},
        "currency": "dollars",
        "launchDate": "tomorrow",
        "ageRanges": ["old"],
        "platforms": ["Symbian"],
        "countries": ["US", "Atlantis"],
        "payuot": "1.00",
        "events": [
            {"eventId": " Install", "pendingTime": 366, "revenue": {"model": "Flat"}, "payout": {"model": "FlatRate"}},
            {"sequenceNumber": 0},
            "level_10",
        ],
    });
    let fields = catalog.post("/offers", &token, wrong).await.fields(422, "invalid_body");
    for expected in [
        "offerType",
        "name",
        "trackingSystemLink",
        "budget.total",
        "budget.weekly",
        "currency",
        "launchDate",
        "ageRanges[0]",
        "platforms[0]",
        "countries[1]",
        "payuot",
        "events[0].eventId",
        "events[0].pendingTime",
        "events[0].revenue.model",
        "events[0].payout.amount",
        "events[1].eventId",
        "events[1].sequenceNumber",
        "events[2]",
    ] {
        assert!(fields.iter().any(|field| field == expected), "{expected} is not in {fields:?}");
    }
    assert_eq!(fields.len(), 18, "{fields:?}");
    assert_eq!(catalog.get("/offers", &token).await.ok()["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_advertiser_is_named() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let body = golfin("00000000-0000-7000-8000-000000000000");
    assert_eq!(catalog.post("/offers", &token, body).await.fields(422, "invalid_body"), ["advertiserId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_says_everything_that_stops_it() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let advertiser = catalog.advertiser(&token).await;
    let mut body = golfin(&advertiser);
    body["trackingSystemLink"] = json!("http://app.appsflyer.com/id1");
    body["expiryDate"] = json!("2998-01-01");
    body["dailyCap"] = json!(5);
    body["headline"] = json!("");
    body["events"][0]["eventId"] = json!("install");
    body["events"][1]["eventId"] = json!("AF_purchase");
    let draft = catalog.post("/offers", &token, body).await.ok();
    let path = format!("/offers/{}/create", text(&draft, "/offerId"));
    let problem = catalog.post(&path, &token, json!({})).await.problem(422, "offer_not_ready");
    let said = problem["errors"].to_string();
    for code in [
        "required",
        "link_not_https",
        "end_before_launch",
        "offer_caps_on_multi_event",
        "install_misspelt",
        "install_missing",
        "event_id_twins",
    ] {
        assert!(said.contains(&format!("{code}:")), "{code} is not in {said}");
    }
    assert_eq!(catalog.facts::<OfferChanged>().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_created_once() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let id = catalog.offer(&token).await;
    let problem = catalog
        .post(&format!("/offers/{id}/create"), &token, json!({}))
        .await
        .problem(409, "offer_already_created");
    assert!(text(&problem, "/detail").contains("clone"));
    assert_eq!(catalog.facts::<OfferVersionCreated>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_read_an_old_state_does_not_overwrite_a_newer_one() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let id = catalog.offer(&token).await;
    let path = format!("/offers/{id}");
    let read = catalog.get(&path, &token).await;
    let etag = read.etag.clone().unwrap();
    let advertiser = text(&read.ok(), "/advertiserId");

    let mut body = golfin(&advertiser);
    body["name"] = json!("Mine");
    let mine =
        catalog.call_with(Method::PUT, &path, &token, Some(body.clone()), &[("if-match", &etag)]).await;
    assert_ne!(mine.etag.as_deref(), Some(etag.as_str()));
    mine.ok();
    body["name"] = json!("Yours");
    let yours =
        catalog.call_with(Method::PUT, &path, &token, Some(body.clone()), &[("if-match", &etag)]).await;
    yours.problem(412, "changed_since_read");
    let odd = catalog.call_with(Method::PUT, &path, &token, Some(body), &[("if-match", "W/1")]).await;
    odd.problem(400, "invalid_if_match");
    assert_eq!(catalog.get(&path, &token).await.ok()["name"], "Mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_resuming_and_ending_apply_at_once() {
    use OfferStatus::{Ended, Paused, Ready};

    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let path = format!("/offers/{}", catalog.offer(&token).await);

    let paused = catalog.call(Method::POST, &format!("{path}/pause"), &token, None).await.ok();
    assert_eq!(paused["status"], "Paused");
    catalog.post(&format!("{path}/pause"), &token, json!({"stopAll": true})).await.ok();
    let resumed = catalog.call(Method::POST, &format!("{path}/resume"), &token, None).await.ok();
    assert_eq!(resumed["status"], "Ready");
    catalog.call(Method::POST, &format!("{path}/resume"), &token, None).await.ok();
    assert_eq!(
        catalog.call(Method::POST, &format!("{path}/end"), &token, None).await.ok()["status"],
        "Ended"
    );
    catalog.call(Method::POST, &format!("{path}/resume"), &token, None).await.problem(409, "offer_ended");
    let advertiser = text(&catalog.get(&path, &token).await.ok(), "/advertiserId");
    catalog.put(&path, &token, golfin(&advertiser)).await.problem(409, "offer_ended");

    let told = catalog.facts::<OfferChanged>().await;
    let revisions: Vec<_> = told.iter().map(|fact| fact.revision).collect();
    assert_eq!(revisions, [2, 3, 4, 5, 6], "asking for what already is says nothing");
    let statuses: Vec<_> = told.iter().map(OfferChanged::status).collect();
    assert_eq!(statuses, [Ready, Paused, Paused, Ready, Ended]);
    assert_eq!(told[1].event_stops.len(), 0);
    assert_eq!(told[2].event_stops[0].until_at_micros, None);
    assert!(told[3].event_stops[0].until_at_micros.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_can_only_be_written_and_created() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let publisher = catalog.publisher(&token).await;
    let draft = catalog.post("/offers", &token, json!({})).await.ok();
    let path = format!("/offers/{}", text(&draft, "/offerId"));
    for action in ["pause", "resume", "end"] {
        let answer = catalog.post(&format!("{path}/{action}"), &token, json!({})).await;
        answer.problem(409, "offer_still_draft");
    }
    let answer = catalog.post(&format!("{path}/share"), &token, json!({"publisherId": publisher})).await;
    answer.problem(409, "offer_still_draft");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_paged() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let created = catalog.offer(&token).await;
    for _draft in 0..3 {
        catalog.post("/offers", &token, json!({"name": "draft"})).await.ok();
    }
    let publisher = catalog.publisher(&token).await;
    catalog.post(&format!("/offers/{created}/share"), &token, json!({"publisherId": publisher})).await.ok();

    let page = catalog.get("/offers?page=2&page_size=3", &token).await.ok();
    assert_eq!((page["total"].as_u64(), page["items"].as_array().unwrap().len()), (Some(4), 1));
    assert_eq!(text(&page, "/items/0/offerId"), created, "newest first");
    assert!(page["items"][0]["sharedTo"]["trackingLink"].is_string());
    for (filter, total) in [
        ("status=Draft".to_owned(), 3),
        ("status=Ready".to_owned(), 1),
        (format!("publisherId={publisher}"), 1),
        ("publisherId=00000000-0000-7000-8000-000000000000".to_owned(), 0),
        ("advertiserId=00000000-0000-7000-8000-000000000000".to_owned(), 0),
    ] {
        assert_eq!(catalog.get(&format!("/offers?{filter}"), &token).await.ok()["total"], total, "{filter}");
    }
    let problem = catalog.get("/offers?status=Nice", &token).await;
    assert_eq!(problem.fields(400, "invalid_query"), ["status"]);
    let problem = catalog.get("/offers?page_size=101", &token).await;
    assert_eq!(problem.fields(400, "invalid_query"), ["page_size"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_is_said_to_be_none() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let client = test_kit::http_client();
    let send = |content_type: &'static str, body: &'static str| {
        client
            .post(format!("{}/api/v1/offers", catalog.url))
            .bearer_auth(&token)
            .header("content-type", content_type)
            .body(body)
            .send()
    };
    assert_eq!(send("application/json", "{").await.unwrap().status().as_u16(), 400);
    assert_eq!(send("application/json", "[]").await.unwrap().status().as_u16(), 422);
    assert_eq!(send("text/plain", "{}").await.unwrap().status().as_u16(), 415);
}
