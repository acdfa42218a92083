//! What differs between versions, and what a change would touch.

use contracts::catalog::OfferVersionCreated;
use serde_json::{Value, json};

use crate::catalog::{Catalog, golfin, text};

/// Fields with for whom they count.
fn told(body: &Value) -> Vec<(String, String)> {
    let changes = body["changes"].as_array().unwrap().iter();
    changes.map(|change| (text(change, "/field"), text(change, "/applies"))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(field, applies)| ((*field).to_owned(), (*applies).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_before_it_is_saved_and_told_alike_afterwards() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let path = format!("/offers/{}", catalog.offer(&token).await);
    let shown = catalog.get(&path, &token).await.ok();
    let mut body = golfin(&text(&shown, "/advertiserId"));
    body["budget"]["total"] = json!("6000");
    body["countries"] = json!(["US", "GB"]);
    body["reverseOnFraud"] = json!(true);
    body["events"][1]["offerEventId"] = shown["events"][1]["offerEventId"].clone();
    body["events"][1]["eventId"] = json!("af_level_10");
    body["events"][1]["payout"] = json!("3.25");
    body["events"][2] = json!({
        "eventId": "level_20", "name": "Reach Level 20", "sequenceNumber": 3, "pendingTime": 0,
        "revenue": "9.00", "payout": "6.00",
    });
    let expected = pairs(&[
        ("budget.total", "AtOnce"),
        ("reverseOnFraud", "NewClicks"),
        ("countries", "OpenJourneys"),
        ("countries", "NewClicks"),
        ("events[1].eventId", "OpenJourneys"),
        ("events[1].payout", "NewClicks"),
        ("events[2]", "OpenJourneys"),
        ("events[2]", "NewClicks"),
    ]);

    let preview = catalog.post(&format!("{path}/preview"), &token, body.clone()).await.ok();
    assert_eq!(told(&preview), expected);
    assert_eq!((preview["version"].as_u64(), &preview["stops"]), (Some(2), &json!([])));
    assert!(text(&preview, "/notCounted").contains("attribution"));
    let payout = &preview["changes"][5];
    assert_eq!(payout["eventId"], "af_level_10");
    assert_eq!((&payout["before"]["amount"], &payout["after"]["amount"]), (&json!("3.00"), &json!("3.25")));
    assert!(preview["changes"][6]["after"]["offerEventId"].is_null(), "{preview}");
    assert_eq!(catalog.facts::<OfferVersionCreated>().await.len(), 1, "nothing is saved");
    assert_eq!(catalog.get(&path, &token).await.ok(), shown);

    catalog.put(&path, &token, body).await.ok();
    let diff = catalog.get(&format!("{path}/versions/1/diff"), &token).await.ok();
    assert_eq!((diff["from"].as_u64(), diff["to"].as_u64()), (Some(1), Some(2)));
    assert_eq!(told(&diff), expected);
    let same = catalog.get(&format!("{path}/versions/2/diff?to=2"), &token).await.ok();
    assert_eq!(same["changes"], json!([]));
    let back = catalog.get(&format!("{path}/versions/2/diff?to=1"), &token).await.ok();
    assert_eq!(back["changes"].as_array().unwrap().len(), expected.len());
    for unknown in ["versions/3/diff", "versions/1/diff?to=9", "versions/0/diff"] {
        catalog.get(&format!("{path}/{unknown}"), &token).await.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_what_would_stop_saving() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let path = format!("/offers/{}", catalog.offer(&token).await);
    let mut body = golfin(&text(&catalog.get(&path, &token).await.ok(), "/advertiserId"));
    body["trackingSystemLink"] = json!("http://app.appsflyer.com/id1");
    body["events"][0]["payout"] = json!("9");
    let stops = |preview: &Value| -> Vec<String> {
        preview["stops"].as_array().unwrap().iter().map(|finding| text(finding, "/code")).collect()
    };
    let preview = catalog.post(&format!("{path}/preview"), &token, body.clone()).await.ok();
    assert_eq!(stops(&preview), ["link_not_https", "payout_above_revenue"]);
    body["acceptedWarnings"] = json!(["payout_above_revenue"]);
    let preview = catalog.post(&format!("{path}/preview"), &token, body.clone()).await.ok();
    assert_eq!(stops(&preview), ["link_not_https"]);
    // What can not be at all is refused as a save is.
    body["currency"] = json!("EUR");
    let fields = catalog.post(&format!("{path}/preview"), &token, body).await.fields(422, "invalid_body");
    assert_eq!(fields, ["currency"]);
}
