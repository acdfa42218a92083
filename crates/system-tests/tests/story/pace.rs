//! How fast a publisher is told is agreed on in the catalog; payout shows it and keeps it.

use std::time::Duration;

use serde_json::json;
use system_tests::{Stack, StackOptions, guide::Guide, truth::Truth};
use test_kit::{FakePublisher, Postback, eventually};

const SOON: Duration = Duration::from_mins(1);
const CLICKS: usize = 20;
const PER_SECOND: usize = 5;

#[tokio::test]
async fn a_publisher_is_told_no_faster_than_the_catalog_says() {
    // A payout that has just started releases no holds before it has read for so long.
    let options = StackOptions::new().quiet_seconds(1);
    let stack = Stack::start_with(options).await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 7).await.unwrap();
    let truth = Truth::of(&stack).await;
    let id = &guide.publisher.id;
    let pace =
        json!({"name": "Rewardville", "active": true, "maxPerSecond": PER_SECOND, "maxConcurrency": 2});
    guide.tenant.api.put(&format!("/api/v1/publishers/{id}"), &pace).await.unwrap();
    eventually("payout shows it", SOON, async || {
        let health = guide.payout().get(&format!("/api/v1/publishers/{id}/health")).await.unwrap();
        let shown = (health["maxPerSecond"].clone(), health["maxConcurrency"].clone());
        if shown == (json!(PER_SECOND), json!(2)) { Ok(()) } else { Err(health) }
    })
    .await;

    for number in 0..CLICKS {
        let click = guide.click(&format!("c-{number}"), &format!("m-{number}")).await.unwrap();
        assert_eq!(guide.apps_flyer().send(&Postback::install(&click)).await.status, 200);
    }
    eventually("everything is reserved", SOON, async || {
        let conversions = truth.conversions().await;
        if conversions.get("pending") == Some(&CLICKS) { Ok(()) } else { Err(conversions) }
    })
    .await;
    // The hold is judged by the database's clock; all of them end at one moment.
    truth.in_payout("UPDATE conversions SET hold_ends_at = now() WHERE status = 'pending'").await;
    let told = publisher.wait_for(CLICKS, SOON).await;
    let first = told.iter().map(|postback| postback.at).min().unwrap();
    let last = told.iter().map(|postback| postback.at).max().unwrap();
    // At once what a second allows, then one by one; 5 % for what an attempt itself takes.
    let least = Duration::from_secs(1) * u32::try_from(CLICKS - PER_SECOND).unwrap()
        / u32::try_from(PER_SECOND).unwrap();
    let took = last.duration_since(first).unwrap();
    assert!(took >= least.mul_f64(0.95), "{took:?}");
}
