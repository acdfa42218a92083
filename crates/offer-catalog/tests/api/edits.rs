//! Several people at one offer.

use reqwest::Method;
use serde_json::json;

use crate::catalog::{Catalog, golfin, text};

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_save_what_they_read_one_wins_and_the_others_are_told_what_to_do() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let path = format!("/offers/{}", catalog.offer(&token).await);
    let read = catalog.get(&path, &token).await;
    let (etag, advertiser) = (read.etag.clone().unwrap(), text(&read.ok(), "/advertiserId"));
    let save = |name: &str| {
        let mut body = golfin(&advertiser);
        body["name"] = json!(name);
        let (catalog, path, token, etag) = (&catalog, &path, &token, &etag);
        async move { catalog.call_with(Method::PUT, path, token, Some(body), &[("if-match", etag)]).await }
    };
    let (a, b, c, d) = tokio::join!(save("a"), save("b"), save("c"), save("d"));
    let mut won = Vec::new();
    for answer in [a, b, c, d] {
        if answer.status.as_u16() == 412 {
            let problem = answer.problem(412, "changed_since_read");
            assert!(text(&problem, "/detail").contains("read it again"));
        } else {
            won.push(answer.ok());
        }
    }
    assert_eq!(won.len(), 1);
    let now = catalog.get(&path, &token).await.ok();
    assert_eq!((&now["name"], &now["newestVersion"]), (&won[0]["name"], &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_if_match_every_save_counts_and_the_last_one_stays() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let path = format!("/offers/{}", catalog.offer(&token).await);
    let advertiser = text(&catalog.get(&path, &token).await.ok(), "/advertiserId");
    let save = |name: &str| {
        let mut body = golfin(&advertiser);
        body["name"] = json!(name);
        catalog.put(&path, &token, body)
    };
    let (a, b, c) = tokio::join!(save("a"), save("b"), save("c"));
    let versions: Vec<_> =
        [a.ok(), b.ok(), c.ok()].iter().map(|saved| saved["newestVersion"].clone()).collect();
    for version in 2..=4 {
        assert!(versions.contains(&json!(version)), "{versions:?}");
    }
    assert_eq!(catalog.get(&format!("{path}/versions"), &token).await.ok()["total"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_done_to_an_offer_can_ask_for_the_state_it_was_read_in() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let publisher = catalog.publisher(&token).await;
    let path = format!("/offers/{}", catalog.offer(&token).await);
    let mut etag = catalog.get(&path, &token).await.etag.unwrap();
    let share = json!({"publisherId": publisher});
    for (what, body) in [("pause", json!({})), ("resume", json!({})), ("share", share), ("end", json!({}))] {
        let path = format!("{path}/{what}");
        let old = [("if-match", "\"1\"")];
        let stale = catalog.call_with(Method::POST, &path, &token, Some(body.clone()), &old).await;
        stale.problem(412, "changed_since_read");
        let done = catalog.call_with(Method::POST, &path, &token, Some(body), &[("if-match", &etag)]).await;
        etag = done.etag.clone().unwrap_or_else(|| panic!("{what}: {}", done.body));
        done.ok();
    }
}
