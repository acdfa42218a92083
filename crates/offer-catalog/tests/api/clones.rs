//! A clone field by field: everything a person entered, and nothing of what was made of it.

use std::collections::BTreeSet;

use contracts::catalog::{OfferChanged, OfferVersionCreated};
use image::ImageFormat;
use serde_json::{Value, json};

use crate::{
    catalog::{Catalog, golfin, text},
    pictures::picture,
};

/// What a clone does not take over, or has anew. `launchDate` only when it is past.
const OWN: &[&str] = &[
    "offerId",
    "status",
    "displayStatus",
    "budgetResumesAt",
    "newestVersion",
    "revision",
    "clonedFrom",
    "sharedTo",
    "findings",
    "createdAt",
    "updatedAt",
];

/// An offer of one event, which may have every field there is, with every field different from what it is when left out.
fn everything(advertiser: &str, creative: &str) -> Value {
    let mut body = golfin(advertiser);
    body["offerType"] = json!("SingleEvent");
    body["advertiserCampaignName"] = json!("golf-2026");
    body["fallbackLink"] = json!("https://golfin.example/");
    body["appId"] = json!("id123456789");
    body["featured"] = json!(true);
    body["keyPoints"] = json!(["Free", "Quick"]);
    body["offerDetails"] = json!("At length.");
    body["termsAndDisclaimers"] = json!("For adults.");
    body["creatives"] =
        json!([{"order": 1, "creativeId": creative}, {"order": 2, "url": "https://cdn.example/2.png"}]);
    body["budget"]["daily"] = json!("500.00");
    body["expiryDate"] = json!("2999-06-01");
    body["gender"] = json!("Female");
    body["overLimitAction"] = json!("Review");
    body["reverseOnFraud"] = json!(true);
    body["deadlineAnchor"] = json!("Install");
    body["sequenceGraceHours"] = json!(100);
    body["sequenceRules"] = json!([{"sequenceNumber": 1, "reachedBy": "Any"}]);
    body["events"] = json!([{
        "eventId": "Install", "name": "First start", "sequenceNumber": 1, "pendingTime": 7, "revenue": "2.00",
        "payout": {"model": "RevenueShare", "percent": "70"}, "reward": 500, "displayOrder": 3,
        "showOnOfferWall": false, "deadlineDays": 30, "minTimeFromPreviousEvent": 60, "allowRepetitions": true,
        "publisherCaps": {"dailyCap": 1, "weeklyCap": 2, "monthlyCap": 3, "allTimeCap": 4},
    }]);
    for (name, cap) in [("dailyCap", 5), ("weeklyCap", 6), ("monthlyCap", 7), ("allTimeCap", 8)] {
        body[name] = json!(cap);
        body["events"][0][name] = json!(cap);
    }
    body
}

/// Fields that are as if nobody had entered them: of those it could not be seen that they are copied.
fn left_out(fields: &Value, known: &[&str]) -> Vec<String> {
    let is_empty =
        |value: &Value| value.is_null() || *value == json!(0) || *value == json!([]) || *value == json!({});
    let fields = fields.as_object().unwrap().iter();
    fields
        .filter(|(name, value)| is_empty(value) && !known.contains(&name.as_str()))
        .map(|(name, _value)| name.clone())
        .collect()
}

/// Everything but what a clone has of its own.
fn copied(offer: &Value) -> Value {
    let mut offer = offer.clone();
    offer.as_object_mut().unwrap().retain(|name, _value| !OWN.contains(&name.as_str()));
    for event in offer["events"].as_array_mut().unwrap() {
        event.as_object_mut().unwrap().remove("offerEventId");
    }
    offer
}

fn event_ids(offer: &Value) -> BTreeSet<String> {
    offer["events"].as_array().unwrap().iter().map(|event| text(event, "/offerEventId")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_is_equal_in_every_field_but_those_that_are_its_own() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let advertiser = catalog.advertiser(&token).await;
    let creative =
        text(&catalog.upload("", &token, picture(ImageFormat::Png, 40, 30)).await.ok(), "/creativeId");
    let draft = catalog.post("/offers", &token, everything(&advertiser, &creative)).await.ok();
    let path = format!("/offers/{}", text(&draft, "/offerId"));
    let ticks = json!({"acceptedWarnings": ["pending_below_review_window", "deadline_below_min_times"]});
    catalog.post(&format!("{path}/create"), &token, ticks).await.ok();
    let publisher = catalog.publisher(&token).await;
    catalog.post(&format!("{path}/share"), &token, json!({"publisherId": publisher})).await.ok();
    let original = catalog.get(&path, &token).await.ok();
    assert_eq!(left_out(&original, &["clonedFrom", "findings", "budgetResumesAt"]), [""; 0], "{original:#}");
    assert_eq!(left_out(&original["events"][0], &[]), [""; 0], "{original:#}");
    let told = catalog.facts::<OfferChanged>().await.len();

    let clone = catalog.post(&format!("{path}/clone"), &token, json!({})).await.ok();
    assert_eq!(copied(&clone), copied(&original));
    assert_ne!(clone["offerId"], original["offerId"]);
    assert_eq!(clone["clonedFrom"], original["offerId"]);
    assert_eq!((text(&clone, "/status"), text(&clone, "/displayStatus")), ("Draft".into(), "Draft".into()));
    assert_eq!((&clone["newestVersion"], &clone["revision"]), (&json!(0), &json!(1)));
    assert_eq!(clone["sharedTo"], Value::Null);
    assert!(event_ids(&clone).is_disjoint(&event_ids(&original)), "a conversion of one is none of the other");
    let names = |offer: &Value| offer.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&clone), names(&original));

    // It is its own from the first moment: what is read is what was answered, and the original stays.
    let clones_path = format!("/offers/{}", text(&clone, "/offerId"));
    assert_eq!(catalog.get(&clones_path, &token).await.ok(), clone);
    assert_eq!(catalog.get(&format!("{clones_path}/versions"), &token).await.ok()["total"], 0);
    assert_eq!(catalog.get(&path, &token).await.ok(), original);
    assert_eq!(catalog.facts::<OfferChanged>().await.len(), told, "nobody is told of a draft");

    // And it can become an offer as the original is one.
    catalog
        .post(
            &format!("{clones_path}/create"),
            &token,
            json!({"acceptedWarnings": [
                "pending_below_review_window", "deadline_below_min_times",
            ]}),
        )
        .await
        .ok();
    let versions = catalog.facts::<OfferVersionCreated>().await;
    let [one, two] = versions.as_slice() else { panic!("{versions:#?}") };
    let mut as_original = two.clone();
    as_original.offer_id.clone_from(&one.offer_id);
    as_original.created_at_micros = one.created_at_micros;
    as_original.events[0].offer_event_id.clone_from(&one.events[0].offer_event_id);
    assert_eq!(as_original, *one);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_of_many_events_has_new_ones_in_their_order_and_no_launch_that_is_past() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let mut body = golfin(&catalog.advertiser(&token).await);
    body["launchDate"] = json!("2020-01-01");
    let original = catalog.post("/offers", &token, body).await.ok();
    let path = format!("/offers/{}", text(&original, "/offerId"));
    let clone = catalog.post(&format!("{path}/clone"), &token, json!({})).await.ok();
    let mut expected = copied(&original);
    expected["launchDate"] = Value::Null;
    assert_eq!(copied(&clone), expected);
    assert_eq!(event_ids(&clone).len(), 3);
    assert!(event_ids(&clone).is_disjoint(&event_ids(&original)));
}
