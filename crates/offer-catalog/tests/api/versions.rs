//! Versions as the other services hear of them.

use contracts::{
    catalog::{EventTerms, OfferChanged, OfferVersionCreated},
    common::payout_terms::Model,
};
use serde_json::{Value, json};

use crate::catalog::{Catalog, golfin, text};

struct Created {
    catalog: Catalog,
    token: String,
    path: String,
    body: Value,
}

async fn created() -> Created {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let path = format!("/offers/{}", catalog.offer(&token).await);
    let advertiser = text(&catalog.get(&path, &token).await.ok(), "/advertiserId");
    Created { catalog, token, path, body: golfin(&advertiser) }
}

fn payout(terms: Option<&EventTerms>) -> Option<Model> {
    terms?.money.as_ref()?.payout.as_ref()?.model
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_carries_where_it_was_introduced_and_its_terms_there() {
    let Created { catalog, token, path, mut body } = created().await;
    body["events"][1]["payout"] = json!("4.00");
    body["events"].as_array_mut().unwrap().push(json!({
        "eventId": "level_20", "name": "Reach Level 20", "sequenceNumber": 3, "pendingTime": 0,
        "revenue": "9.00", "payout": "6.00",
    }));
    catalog.put(&path, &token, body.clone()).await.ok();
    body["events"][3]["payout"] = json!("7.00");
    catalog.put(&path, &token, body).await.ok();

    let versions = catalog.facts::<OfferVersionCreated>().await;
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [1, 2, 3]);
    let level_10 = &versions[2].events[1];
    assert_eq!(level_10.introduced_in_version, 1);
    assert_eq!(payout(level_10.terms.as_ref()), Some(Model::FlatMicros(4_000_000)));
    assert_eq!(payout(level_10.introduced_terms.as_ref()), Some(Model::FlatMicros(3_000_000)));
    let level_20 = &versions[2].events[3];
    assert_eq!(level_20.introduced_in_version, 2);
    assert_eq!(payout(level_20.terms.as_ref()), Some(Model::FlatMicros(7_000_000)));
    assert_eq!(payout(level_20.introduced_terms.as_ref()), Some(Model::FlatMicros(6_000_000)));
    assert_eq!(level_10.offer_event_id, versions[0].events[1].offer_event_id);

    let changes = catalog.facts::<OfferChanged>().await;
    assert_eq!(changes.iter().map(|change| change.newest_version).collect::<Vec<_>>(), [1, 2, 3]);

    let shown = catalog.get(&format!("{path}/versions"), &token).await.ok();
    assert_eq!((&shown["total"], shown["items"].as_array().unwrap().len()), (&json!(3), 3));
    assert_eq!(shown["items"][0]["events"][1]["payout"]["amount"], "3.00", "an old version never changes");
    let second = catalog.get(&format!("{path}/versions?page=2&page_size=1"), &token).await.ok();
    assert_eq!((&second["items"], &second["total"]), (&json!([shown["items"][1]]), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn renaming_keeps_the_event_and_its_old_name() {
    let Created { catalog, token, path, body } = created().await;
    let shown = catalog.get(&path, &token).await.ok();
    let level_10 = text(&shown, "/events/1/offerEventId");

    let mut renamed = body.clone();
    renamed["events"][1]["offerEventId"] = json!(level_10);
    renamed["events"][1]["eventId"] = json!("af_level_10");
    let saved = catalog.put(&path, &token, renamed.clone()).await.ok();
    assert_eq!(text(&saved, "/events/1/offerEventId"), level_10);

    // The old name may not come back as another event …
    let mut stolen = renamed.clone();
    stolen["events"].as_array_mut().unwrap().push(json!({
        "eventId": "level_10", "name": "Another", "sequenceNumber": 3, "pendingTime": 0,
        "revenue": "9.00", "payout": "6.00",
    }));
    assert_eq!(catalog.put(&path, &token, stolen).await.fields(409, "event_id_taken"), ["events[3].eventId"]);
    // … but as the same one.
    let back = catalog.put(&path, &token, body).await.ok();
    assert_eq!(text(&back, "/events/1/offerEventId"), level_10);
    assert_eq!(back["newestVersion"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_another_offer_is_no_event_of_this_one() {
    let Created { catalog, token, path, mut body } = created().await;
    let other = catalog.get(&format!("/offers/{}", catalog.offer(&token).await), &token).await.ok();
    body["events"][1]["offerEventId"] = other["events"][1]["offerEventId"].clone();
    let fields = catalog.put(&path, &token, body).await.fields(422, "invalid_body");
    assert_eq!(fields, ["events[1].offerEventId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn saving_what_is_there_makes_no_version() {
    let Created { catalog, token, path, body } = created().await;
    let before = catalog.get(&path, &token).await;
    let same = catalog.put(&path, &token, body).await;
    assert_eq!(same.etag, before.etag);
    assert_eq!(same.ok()["newestVersion"], 1);
    assert_eq!(catalog.facts::<OfferVersionCreated>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_can_be_saved_back() {
    // A client that reads, changes one thing and saves must not change anything else.
    let Created { catalog, token, path, .. } = created().await;
    let mut shown = catalog.get(&path, &token).await.ok();
    let fields = shown.as_object_mut().unwrap();
    for own in [
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
    ] {
        fields.remove(own);
    }
    let saved = catalog.put(&path, &token, shown).await.ok();
    assert_eq!(saved["newestVersion"], 1);
    assert_eq!(catalog.facts::<OfferVersionCreated>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_already_counted_holds_some_fields_fast() {
    let Created { catalog, token, path, mut body } = created().await;
    body["currency"] = json!("EUR");
    body["trackingSystem"] = json!("Adjust");
    body["offerType"] = json!("SingleEvent");
    body["advertiserId"] = json!(catalog.advertiser(&token).await);
    let fields = catalog.put(&path, &token, body).await.fields(422, "invalid_body");
    assert_eq!(fields, ["offerType", "trackingSystem", "advertiserId", "currency"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_created_offer_can_not_be_saved_into_a_state_that_could_not_be_created() {
    let Created { catalog, token, path, mut body } = created().await;
    body["events"].as_array_mut().unwrap().remove(0);
    let problem = catalog.put(&path, &token, body).await.problem(422, "offer_not_ready");
    assert!(problem["errors"].to_string().contains("install_missing:"));
    assert_eq!(catalog.facts::<OfferVersionCreated>().await.len(), 1);
}
