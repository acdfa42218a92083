//! `Idempotency-Key`: a call that is sent again has its effect once.

use diesel_async::SimpleAsyncConnection as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::catalog::{Answer, Catalog, golfin, text};

async fn keyed(catalog: &Catalog, path: &str, token: &str, body: Value, key: &str) -> Answer {
    catalog.call_with(Method::POST, path, token, Some(body), &[("idempotency-key", key)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_call_has_its_effect_once_and_gets_the_same_answer() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let advertiser = catalog.advertiser(&token).await;
    let offer = catalog.offer(&token).await;
    let draft = text(&catalog.post("/offers", &token, golfin(&advertiser)).await.ok(), "/offerId");
    let publisher = catalog.publisher(&token).await;
    let credential = text(&catalog.post("/credentials", &token, json!({})).await.ok(), "/credentialId");
    let postbacks = format!("/publishers/{publisher}/postbacks");
    let endpoint = text(&catalog.get(&postbacks, &token).await.ok(), "/items/0/endpointId");
    let before = catalog.get("/audit-log", &token).await.ok()["total"].as_u64().unwrap();

    let calls = [
        ("/advertisers".to_owned(), json!({"name": "Golfin"})),
        (
            "/publishers".to_owned(),
            json!({"name": "R", "postback": {"urlTemplate": "https://r.example/?i={conversion_id}"}}),
        ),
        ("/tokens".to_owned(), json!({"role": "analyst"})),
        ("/users".to_owned(), json!({"name": "Ada", "role": "analyst"})),
        ("/credentials".to_owned(), json!({})),
        (format!("/credentials/{credential}/rotate"), json!({"overlapDays": 3})),
        (format!("{postbacks}/{endpoint}/rotate-secret"), json!({"overlapHours": 3})),
        ("/categories".to_owned(), json!({"name": "Golf"})),
        (postbacks.clone(), json!({"offerId": offer, "urlTemplate": "https://r.example/?i={conversion_id}"})),
        ("/offers".to_owned(), golfin(&advertiser)),
        (format!("/offers/{draft}/create"), json!({})),
        (format!("/offers/{offer}/clone"), json!({})),
        (format!("/offers/{draft}/share"), json!({"publisherId": publisher})),
        (format!("/offers/{offer}/share"), json!({"publisherIds": [publisher]})),
    ];
    for (number, (path, body)) in calls.iter().enumerate() {
        let key = format!("key-{number}");
        let first = keyed(&catalog, path, &token, body.clone(), &key).await;
        let log = catalog.get("/audit-log", &token).await.ok()["total"].clone();
        let again = keyed(&catalog, path, &token, body.clone(), &key).await;
        assert!(first.status.is_success(), "{path}: {}", first.body);
        assert!(!first.is_replayed && again.is_replayed, "{path}");
        assert_eq!(first.body, again.body, "{path}");
        assert_eq!(
            (first.status, &first.etag, &first.cache_control),
            (again.status, &again.etag, &again.cache_control),
            "{path}"
        );
        assert_eq!(catalog.get("/audit-log", &token).await.ok()["total"], log, "{path} was done again");
    }
    assert!(catalog.get("/audit-log", &token).await.ok()["total"].as_u64().unwrap() > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_is_sent_again_makes_one_generation() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let credential = text(&catalog.post("/credentials", &token, json!({})).await.ok(), "/credentialId");
    let path = format!("/credentials/{credential}/rotate");
    let first = keyed(&catalog, &path, &token, json!({"overlapDays": 3}), "k").await.ok();
    let again = keyed(&catalog, &path, &token, json!({"overlapDays": 3}), "k").await;
    assert!(again.is_replayed);
    assert_eq!(again.ok(), first);
    let shown = catalog.get("/credentials", &token).await.ok();
    assert_eq!(shown["items"][0]["generations"].as_array().unwrap().len(), 2);
    // Another overlap is another call; without a key, each is a new one.
    keyed(&catalog, &path, &token, json!({"overlapDays": 4}), "k")
        .await
        .problem(422, "idempotency_key_reused");
    catalog.post(&path, &token, json!({"overlapDays": 3})).await.ok();
    let shown = catalog.get("/credentials", &token).await.ok();
    assert_eq!(shown["items"][0]["generations"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_means_one_call_of_one_token() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let other_tenant = catalog.tenant("Redshoes").await;
    let manager = catalog.post("/tokens", &token, json!({"role": "manager"})).await.ok();
    let manager = text(&manager, "/apiToken");
    let golfin = json!({"name": "Golfin", "reviewWindowDays": 7});
    let first = keyed(&catalog, "/advertisers", &token, golfin.clone(), "k").await.ok();

    // The order of fields is nothing, everything else is.
    let reordered = json!({"reviewWindowDays": 7, "name": "Golfin"});
    assert_eq!(keyed(&catalog, "/advertisers", &token, reordered, "k").await.ok(), first);
    for (path, body) in
        [("/advertisers", json!({"name": "Other"})), ("/publishers", json!({"name": "Golfin"}))]
    {
        let problem = keyed(&catalog, path, &token, body, "k").await.problem(422, "idempotency_key_reused");
        assert!(text(&problem, "/detail").contains("new key"));
    }
    for token in [&manager, &other_tenant] {
        let theirs = keyed(&catalog, "/advertisers", token, golfin.clone(), "k").await;
        assert!(!theirs.is_replayed);
        assert_ne!(theirs.ok()["advertiserId"], first["advertiserId"]);
    }
    for wrong in ["", " ", &"k".repeat(256), "schlüssel"] {
        let answer = keyed(&catalog, "/advertisers", &token, golfin.clone(), wrong).await;
        answer.problem(400, "invalid_idempotency_key");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_may_be_mended_under_its_key() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let draft = text(&catalog.post("/offers", &token, json!({"name": "x"})).await.ok(), "/offerId");
    let path = format!("/offers/{draft}/create");
    keyed(&catalog, &path, &token, json!({}), "k").await.problem(422, "offer_not_ready");
    let advertiser = catalog.advertiser(&token).await;
    catalog.put(&format!("/offers/{draft}"), &token, golfin(&advertiser)).await.ok();
    let created = keyed(&catalog, &path, &token, json!({}), "k").await;
    assert!(!created.is_replayed);
    created.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_is_done() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let send = || keyed(&catalog, "/advertisers", &token, json!({"name": "Golfin"}), "k");
    let (a, b, c, d) = tokio::join!(send(), send(), send(), send());
    let mut made = Vec::new();
    for answer in [a, b, c, d] {
        if answer.status.as_u16() == 409 {
            answer.problem(409, "idempotency_key_in_use");
        } else {
            made.push(answer.ok());
        }
    }
    assert!(!made.is_empty() && made.iter().all(|answer| *answer == made[0]), "{made:?}");
    assert_eq!(catalog.get("/advertisers", &token).await.ok()["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_is_told_so() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let made = keyed(&catalog, "/advertisers", &token, json!({"name": "x"}), "k").await.ok();
    let tenant = text(&catalog.get("/tenants/me", &token).await.ok(), "/tenantId");
    let issued = catalog.get("/tokens", &token).await.ok();
    let name = format!("idempotency {tenant} {} k", text(&issued, "/items/0/tokenId"));
    let mut other = catalog.database.admin().await;
    other
        .batch_execute(&format!("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('{name}', 0))"))
        .await
        .unwrap();
    let answer = keyed(&catalog, "/advertisers", &token, json!({"name": "x"}), "k").await;
    answer.problem(409, "idempotency_key_in_use");
    other.batch_execute("COMMIT").await.unwrap();
    let answer = keyed(&catalog, "/advertisers", &token, json!({"name": "x"}), "k").await;
    assert_eq!(answer.ok(), made);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_a_key_is_free_again_and_its_answer_forgotten() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let first = keyed(&catalog, "/advertisers", &token, json!({"name": "x"}), "k").await.ok();
    let mut admin = catalog.database.admin().await;
    admin.batch_execute("UPDATE kept_answers SET kept_at = kept_at - interval '24 hours'").await.unwrap();
    let second = keyed(&catalog, "/advertisers", &token, json!({"name": "y"}), "k").await.ok();
    assert_ne!(first["advertiserId"], second["advertiserId"]);
    assert_eq!(keyed(&catalog, "/advertisers", &token, json!({"name": "y"}), "k").await.ok(), second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_secret_is_sealed() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let body = json!({"name": "R", "postback": {"urlTemplate": "https://r.example/?i={conversion_id}"}});
    let made = keyed(&catalog, "/publishers", &token, body, "publisher").await.ok();
    let issued = keyed(&catalog, "/tokens", &token, json!({"role": "analyst"}), "token").await.ok();
    let postbacks = format!("/publishers/{}/postbacks", text(&made, "/publisherId"));
    let endpoint = text(&catalog.get(&postbacks, &token).await.ok(), "/items/0/endpointId");
    let path = format!("{postbacks}/{endpoint}/rotate-secret");
    let rotated = keyed(&catalog, &path, &token, json!({}), "rotated").await.ok();
    let stored = catalog.stored().await;
    for secret in
        [text(&made, "/signingSecret"), text(&issued, "/apiToken"), text(&rotated, "/signingSecret")]
    {
        assert!(!stored.contains(&secret), "a secret is in a plain column");
    }
}
