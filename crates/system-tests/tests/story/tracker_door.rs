//! The users' door: a link that is not complete says so, and an offer that is paused takes no clicks.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use system_tests::{Stack, guide::Guide};
use test_kit::{FakePublisher, eventually, http_client};

const SOON: Duration = Duration::from_secs(30);

async fn follow(url: &str) -> (StatusCode, Option<String>, String) {
    let answer = http_client().get(url).send().await.unwrap();
    let location = answer.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
    assert_eq!(answer.headers().get("cache-control").unwrap(), "no-store", "{url}");
    (answer.status(), location, answer.text().await.unwrap())
}

#[tokio::test]
async fn a_link_works_only_complete_and_only_while_its_offer_is_live() {
    let stack = Stack::start().await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let first = guide.click("c-1", "m-1").await.unwrap();
    let second = guide.click("c-2", "m-2").await.unwrap();
    assert_ne!(first, second, "every click has an id of its own");

    // The link as it is shared: its macros were never replaced.
    let (status, _, page) = follow(&guide.shared.tracking_link).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("pub_click_id") && page.contains("macro"), "{page}");
    let base = guide.shared.tracking_link.split('?').next().unwrap();
    let (status, _, page) = follow(&format!("{base}?pub_click_id=a<script>alert(1)")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("pub_member_id is missing") && !page.contains("<script>"), "{page}");
    let unknown = base.replace(base.rsplit('/').next().unwrap(), "00000000-0000-7000-8000-000000000000");
    let (status, _, page) = follow(&format!("{unknown}?pub_click_id=c&pub_member_id=m")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("Not available"), "{page}");

    // A person pauses the offer, and every tracker follows.
    let complete = format!("{base}?pub_click_id=c&pub_member_id=m");
    let offer = &guide.shared.offer_id;
    guide.tenant.api.post(&format!("/api/v1/offers/{offer}/pause"), &json!({})).await.unwrap();
    eventually("a paused offer takes no clicks", SOON, async || {
        let (status, location, _) = follow(&complete).await;
        if status == StatusCode::NOT_FOUND && location.is_none() { Ok(()) } else { Err(status) }
    })
    .await;
    guide.tenant.api.post(&format!("/api/v1/offers/{offer}/resume"), &json!({})).await.unwrap();
    eventually("a resumed one does", SOON, async || {
        let (status, _, _) = follow(&complete).await;
        if status == StatusCode::FOUND { Ok(()) } else { Err(status) }
    })
    .await;
}
