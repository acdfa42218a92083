//! A tenant sees and touches only its own rows: another tenant's ids are as unknown as ids that nobody has.

use reqwest::Method;
use serde_json::json;

use crate::{
    catalog::{Catalog, golfin, text},
    scheduled::in_hours,
};

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_ids_are_unknown_on_every_route() {
    let catalog = Catalog::start().await;
    let theirs = catalog.tenant("Brownboots").await;
    let ours = catalog.tenant("Redshoes").await;

    let offer = catalog.offer(&theirs).await;
    let publisher = catalog.publisher(&theirs).await;
    let advertiser = catalog.advertiser(&theirs).await;
    let credential = text(&catalog.post("/credentials", &theirs, json!({})).await.ok(), "/credentialId");
    let issued = catalog.post("/tokens", &theirs, json!({"role": "analyst"})).await.ok();
    let (token, their_analyst) = (text(&issued, "/tokenId"), text(&issued, "/apiToken"));
    let our_publisher = catalog.publisher(&ours).await;
    let our_advertiser = catalog.advertiser(&ours).await;

    let change = json!({"eventId": "Install", "field": "reward", "value": 5, "at": in_hours(2)});
    let path = format!("/offers/{offer}/scheduled-changes");
    let scheduled = text(&catalog.post(&path, &theirs, change.clone()).await.ok(), "/changeId");
    let body = golfin(&our_advertiser);
    for (method, path, body) in [
        (Method::GET, format!("/offers/{offer}"), None),
        (Method::GET, format!("/offers/{offer}/versions"), None),
        (Method::PUT, format!("/offers/{offer}"), Some(body.clone())),
        (Method::GET, format!("/offers/{offer}/versions/1/diff"), None),
        (Method::GET, format!("/offers/{offer}/lineage"), None),
        (Method::POST, format!("/offers/{offer}/preview"), Some(body)),
        (Method::POST, format!("/offers/{offer}/create"), None),
        (Method::POST, format!("/offers/{offer}/clone"), None),
        (Method::POST, format!("/offers/{offer}/share"), Some(json!({"publisherId": our_publisher}))),
        (Method::POST, format!("/offers/{offer}/share"), Some(json!({"publisherIds": [our_publisher]}))),
        (Method::DELETE, format!("/offers/{offer}/share"), None),
        (Method::GET, format!("/offers/{offer}/scheduled-changes"), None),
        (Method::POST, format!("/offers/{offer}/scheduled-changes"), Some(change.clone())),
        (Method::DELETE, format!("/offers/{offer}/scheduled-changes/{scheduled}"), None),
        (Method::POST, format!("/offers/{offer}/pause"), None),
        (Method::POST, format!("/offers/{offer}/resume"), None),
        (Method::POST, format!("/offers/{offer}/end"), None),
        (Method::GET, format!("/publishers/{publisher}"), None),
        (Method::GET, format!("/advertisers/{advertiser}"), None),
        (Method::POST, format!("/credentials/{credential}/reveal"), None),
        (Method::POST, format!("/credentials/{credential}/rotate"), None),
        (Method::POST, format!("/credentials/{credential}/revoke"), None),
        (Method::DELETE, format!("/tokens/{token}"), None),
    ] {
        let answer = catalog.call(method.clone(), &path, &ours, body).await;
        assert_eq!(answer.status.as_u16(), 404, "{method} {path}: {}", answer.body);
    }

    // Nor can they be referred to.
    let refused = [
        catalog.post("/offers", &ours, golfin(&advertiser)).await.fields(422, "invalid_body"),
        catalog.post("/offers/lint", &ours, golfin(&advertiser)).await.fields(422, "invalid_body"),
        catalog
            .post("/credentials", &ours, json!({"advertiserId": advertiser}))
            .await
            .fields(422, "invalid_body"),
        catalog
            .post("/tokens", &ours, json!({"role": "publisher", "publisherId": publisher}))
            .await
            .fields(422, "invalid_body"),
    ];
    assert_eq!(refused, [["advertiserId"], ["advertiserId"], ["advertiserId"], ["publisherId"]]);
    let our_offer = catalog.offer(&ours).await;
    let path = format!("/offers/{our_offer}/share");
    let fields =
        catalog.post(&path, &ours, json!({"publisherId": publisher})).await.fields(422, "invalid_body");
    assert_eq!(fields, ["publisherId"]);

    // Lists hold one's own.
    for (path, own) in
        [("/offers", 1), ("/publishers", 1), ("/advertisers", 2), ("/credentials", 0), ("/tokens", 1)]
    {
        assert_eq!(catalog.get(path, &ours).await.ok()["total"], own, "{path}");
    }
    let log = catalog.get("/audit-log?page_size=100", &ours).await.ok().to_string();
    assert!(!log.contains(&offer) && !log.contains(&credential));

    // And nothing of it all touched them.
    catalog.get(&format!("/offers/{offer}"), &their_analyst).await.ok();
    assert_eq!(catalog.get(&format!("/offers/{offer}"), &theirs).await.ok()["status"], "Ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reached_without_a_token() {
    let catalog = Catalog::start().await;
    catalog.tenant("Brownboots").await;
    let document: serde_json::Value = serde_json::from_str(
        &<offer_catalog::OfferCatalog as process::Service>::openapi().expect("a document"),
    )
    .unwrap();
    let mut routes = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path
            .replace("{offer_id}", "x")
            .replace("{version}", "1")
            .replace("{change_id}", "x")
            .replace(['{', '}'], "");
        let path = path.trim_start_matches("/api/v1");
        for (method, operation) in operations.as_object().unwrap() {
            // What is for everybody says so.
            if operation["security"] == json!([{}]) {
                assert_eq!(path, "/creatives/files/file");
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            let answer = catalog.call(method.clone(), path, "", Some(json!({}))).await;
            assert_eq!(answer.status.as_u16(), 401, "{method} {path}");
            routes += 1;
        }
    }
    assert_eq!(routes, 62);
}
