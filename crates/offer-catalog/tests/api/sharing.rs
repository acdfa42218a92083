//! A shared offer belongs to one publisher for ever.

use contracts::catalog::OfferChanged;
use diesel_async::SimpleAsyncConnection as _;
use reqwest::Method;
use serde_json::json;

use crate::catalog::{Catalog, text};

#[tokio::test(flavor = "multi_thread")]
async fn it_can_not_be_shared_again_moved_or_unshared() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let path = format!("/offers/{}/share", catalog.offer(&token).await);
    let (mine, other) = (catalog.publisher(&token).await, catalog.publisher(&token).await);
    catalog.call(Method::DELETE, &path, &token, None).await.problem(409, "offer_not_shared");
    let shared = catalog.post(&path, &token, json!({"publisherId": mine})).await.ok();

    for publisher in [&mine, &other] {
        let problem = catalog
            .post(&path, &token, json!({"publisherId": publisher}))
            .await
            .problem(409, "offer_already_shared");
        assert!(text(&problem, "/detail").contains("clone the offer and share the clone"));
    }
    let problem =
        catalog.call(Method::DELETE, &path, &token, None).await.problem(409, "offer_never_unshared");
    assert!(text(&problem, "/detail").contains("clone the offer"));

    let still = catalog.get(path.trim_end_matches("/share"), &token).await.ok();
    assert_eq!(still["sharedTo"], shared["sharedTo"]);
    let told = catalog.facts::<OfferChanged>().await;
    assert_eq!(told.iter().filter(|fact| fact.publisher_id.is_some()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_share_at_once_one_wins() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let path = format!("/offers/{}/share", catalog.offer(&token).await);
    let (one, two) = (catalog.publisher(&token).await, catalog.publisher(&token).await);
    let share = |publisher: &str| catalog.post(&path, &token, json!({"publisherId": publisher.to_owned()}));
    let (first, second, third) = tokio::join!(share(&one), share(&two), share(&one));
    let mut statuses = [first.status.as_u16(), second.status.as_u16(), third.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
}

#[tokio::test(flavor = "multi_thread")]
async fn not_even_the_tables_owner_can_move_it() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let id = catalog.offer(&token).await;
    let publisher = catalog.publisher(&token).await;
    catalog.post(&format!("/offers/{id}/share"), &token, json!({"publisherId": publisher})).await.ok();
    let mut admin = catalog.database.admin().await;
    for statement in [
        "UPDATE offer_shares SET shared_at = now()",
        "DELETE FROM offer_shares",
        "UPDATE offer_versions SET created_at = now()",
        "DELETE FROM offer_event_names",
        "DELETE FROM offer_events",
        "DELETE FROM audit_log",
    ] {
        let error = admin.batch_execute(statement).await.unwrap_err().to_string();
        assert!(error.contains("never change"), "{statement}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_publisher_must_be_one_of_the_tenants() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let path = format!("/offers/{}/share", catalog.offer(&token).await);
    for body in [
        json!({}),
        json!({"publisherId": "x"}),
        json!({"publisherId": "00000000-0000-7000-8000-000000000000"}),
    ] {
        assert_eq!(catalog.post(&path, &token, body).await.fields(422, "invalid_body"), ["publisherId"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_offers_payouts_stay_editable() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let path = format!("/offers/{}", catalog.offer(&token).await);
    let publisher = catalog.publisher(&token).await;
    catalog.post(&format!("{path}/share"), &token, json!({"publisherId": publisher})).await.ok();
    let read = catalog.get(&path, &token).await.ok();
    let mut body = crate::catalog::golfin(&text(&read, "/advertiserId"));
    body["events"][0]["payout"] = json!("1.25");
    let saved = catalog.put(&path, &token, body).await.ok();
    assert_eq!((saved["newestVersion"].as_u64(), &saved["sharedTo"]), (Some(2), &read["sharedTo"]));
}
