//! What the document allows can be read, and what it does not is refused with the field's name: found by calling the API from
//! its document.

use reqwest::Method;
use serde_json::{Value, json};

use crate::catalog::{Catalog, text};

const EXPORT: &str = "/integrations/offer-providers/custom/offers/export";

#[tokio::test(flavor = "multi_thread")]
async fn texts_and_times_that_the_database_can_not_hold_are_refused_by_name() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let publisher = catalog.publisher(&token).await;
    let partner = json!({"role": "publisher", "publisherId": publisher});
    let partner = text(&catalog.post("/tokens", &token, partner).await.ok(), "/apiToken");

    let export = catalog.get(&format!("{EXPORT}?provider=%00"), &token).await;
    assert_eq!(export.fields(400, "invalid_query"), ["provider"]);
    let feed = "/sdk-offer-management/partner?changedSince=-200000-01-01";
    let feed = catalog.get(feed, &partner).await;
    assert_eq!(feed.fields(400, "invalid_query"), ["changedSince"]);
    for day in ["-200000-01-01", "%2B200000-01-01"] {
        let body = json!({"name": "Golfin iOS", "launchDate": day.replace("%2B", "+")});
        let draft = catalog.post("/offers", &token, body).await;
        assert_eq!(draft.fields(422, "invalid_body"), ["launchDate"], "{day}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_without_a_value_does_not_pass_for_all() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    catalog.offer(&token).await;
    for (path, field) in [
        ("/offers?publisherId=", "publisherId"),
        ("/credentials?advertiserId=", "advertiserId"),
        ("/tokens?role=", "role"),
        (&format!("{EXPORT}?providre=custom"), "providre"),
    ] {
        assert_eq!(catalog.get(path, &token).await.fields(400, "invalid_query"), [field], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_not_taken_for_something() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    for (field, entry) in
        [("events", "events[0]"), ("countries", "countries[0]"), ("creatives", "creatives[0]")]
    {
        let draft = catalog.post("/offers", &token, json!({"name": "Golfin iOS", field: [null]})).await;
        assert_eq!(draft.fields(422, "invalid_body"), [entry]);
    }
    // An advertiser's credential that lost its advertiser would be a global one.
    let credential = catalog.post("/credentials", &token, json!({"advertiserId": ""})).await;
    assert_eq!(credential.fields(422, "invalid_body"), ["advertiserId"]);
    // All its fields may be left out, so all of it may.
    catalog.post("/credentials", &token, Value::Null).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_linter_is_no_offer() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = catalog.call(method, "/offers/lint", &token, Some(json!({}))).await;
        answer.problem(405, "method_not_allowed");
    }
}

/// Every length and number of entries that the document gives for an offer is the one that is held to.
#[tokio::test(flavor = "multi_thread")]
async fn the_limits_of_an_offer_are_those_of_the_document() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let document: Value = serde_json::from_str(
        &<offer_catalog::OfferCatalog as process::Service>::openapi().expect("a document"),
    )
    .unwrap();
    let (mut within, mut beyond) = (json!({}), json!({}));
    for (name, schema) in document["components"]["schemas"]["OfferBody"]["properties"].as_object().unwrap() {
        let pair = if let Some(max) = schema["maxLength"].as_u64() {
            // A link is one when it is a link, however long.
            let link = if name.ends_with("Link") { "https://app.appsflyer.com/" } else { "" };
            let text =
                |length: u64| json!(format!("{link:a<width$}", width = usize::try_from(length).unwrap()));
            (text(max), text(max + 1))
        } else if let Some(max) = schema["maximum"].as_u64() {
            (json!(max), json!(max + 1))
        } else if let Some(max) = schema["maxItems"].as_u64() {
            let entry = match name.as_str() {
                "events" => json!({"eventId": "e"}),
                "creatives" => json!({"url": "https://example.com/a.png"}),
                "sequenceRules" => json!({"sequenceNumber": 1, "reachedBy": "Any"}),
                "ageRanges" => json!("18+"),
                "platforms" => json!("IOS"),
                "countries" => json!("US"),
                _ => json!("golf"),
            };
            let list = |length: u64| json!(vec![&entry; usize::try_from(length).unwrap()]);
            (list(max), list(max + 1))
        } else {
            continue;
        };
        (within[name], beyond[name]) = pair;
    }
    let mut names: Vec<_> = beyond.as_object().unwrap().keys().cloned().collect();
    names.sort_unstable();
    assert!(names.len() > 20, "{names:?}");
    let accepted = catalog.post("/offers/lint", &token, within).await;
    assert_eq!(accepted.status.as_u16(), 200, "{}", accepted.body);
    let mut refused = catalog.post("/offers/lint", &token, beyond).await.fields(422, "invalid_body");
    refused.sort_unstable();
    assert_eq!(refused, names);
}
