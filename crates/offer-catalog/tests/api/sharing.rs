//! A shared offer belongs to one publisher for ever.

use contracts::catalog::{OfferChanged, OfferVersionCreated};
use diesel_async::SimpleAsyncConnection as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::catalog::{Catalog, golfin, text};

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
    let mut body = golfin(&text(&read, "/advertiserId"));
    body["events"][0]["payout"] = json!("1.25");
    let saved = catalog.put(&path, &token, body).await.ok();
    assert_eq!((saved["newestVersion"].as_u64(), &saved["sharedTo"]), (Some(2), &read["sharedTo"]));
}

/// One row: how the offer came to stand, what is asked, and what is answered.
struct Illegal {
    name: &'static str,
    /// Calls that bring the offer there, below `/offers/{id}`; none: it stays a draft.
    before: &'static [(&'static str, &'static str)],
    ask: &'static str,
    code: &'static str,
    says: &'static str,
}

const CREATED: (&str, &str) = ("create", "{}");
const SHARED: (&str, &str) = ("share", r#"{"publisherId": "MINE"}"#);
const ENDED: (&str, &str) = ("end", "{}");
const WITH_ME: &str = r#"{"publisherId": "MINE"}"#;
const WITH_ANOTHER: &str = r#"{"publisherId": "OTHER"}"#;
const WITH_BOTH: &str = r#"{"publisherIds": ["MINE", "OTHER"]}"#;
const CLONE: &str = "clone the offer and share the clone";

#[rustfmt::skip]
const ILLEGAL: &[Illegal] = &[
    Illegal { name: "again with the same", before: &[CREATED, SHARED], ask: WITH_ME, code: "offer_already_shared", says: CLONE },
    Illegal { name: "moved to another", before: &[CREATED, SHARED], ask: WITH_ANOTHER, code: "offer_already_shared", says: CLONE },
    Illegal { name: "with several when it has its own", before: &[CREATED, SHARED], ask: WITH_BOTH, code: "offer_already_shared", says: CLONE },
    Illegal { name: "unshared", before: &[CREATED, SHARED], ask: "", code: "offer_never_unshared", says: "clone the offer" },
    Illegal { name: "shared and ended", before: &[CREATED, SHARED, ENDED], ask: WITH_ANOTHER, code: "offer_already_shared", says: CLONE },
    Illegal { name: "ended", before: &[CREATED, ENDED], ask: WITH_ME, code: "offer_ended", says: "clone it" },
    Illegal { name: "ended, with several", before: &[CREATED, ENDED], ask: WITH_BOTH, code: "offer_ended", says: "clone it" },
    Illegal { name: "a draft", before: &[], ask: WITH_ME, code: "offer_still_draft", says: "create it first" },
    Illegal { name: "a draft, with several", before: &[], ask: WITH_BOTH, code: "offer_still_draft", says: "create it first" },
    Illegal { name: "unshared before it is shared", before: &[CREATED], ask: "", code: "offer_not_shared", says: "not shared" },
];

#[tokio::test(flavor = "multi_thread")]
async fn every_illegal_share_is_refused_with_what_to_do_instead() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let advertiser = catalog.advertiser(&token).await;
    let (mine, other) = (catalog.publisher(&token).await, catalog.publisher(&token).await);
    let filled = |body: &str| -> Value {
        serde_json::from_str(&body.replace("MINE", &mine).replace("OTHER", &other)).unwrap()
    };
    for Illegal { name, before, ask, code, says } in ILLEGAL {
        let draft = catalog.post("/offers", &token, golfin(&advertiser)).await.ok();
        let path = format!("/offers/{}", text(&draft, "/offerId"));
        for (call, body) in *before {
            catalog.post(&format!("{path}/{call}"), &token, filled(body)).await.ok();
        }
        let was = catalog.get(&path, &token).await.ok();
        let offers = catalog.get("/offers", &token).await.ok()["total"].clone();
        let share = format!("{path}/share");
        let answer = if ask.is_empty() {
            catalog.call(Method::DELETE, &share, &token, None).await
        } else {
            catalog.post(&share, &token, filled(ask)).await
        };
        let problem = answer.problem(409, code);
        assert!(text(&problem, "/detail").contains(says), "{name}: {problem}");
        assert_eq!(catalog.get(&path, &token).await.ok(), was, "{name}");
        assert_eq!(catalog.get("/offers", &token).await.ok()["total"], offers, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_publishers_get_a_clone_each() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let id = catalog.offer(&token).await;
    let before = catalog.get(&format!("/offers/{id}"), &token).await.ok();
    let publishers = [catalog.publisher(&token).await, catalog.publisher(&token).await];
    let answer =
        catalog.post(&format!("/offers/{id}/share"), &token, json!({"publisherIds": publishers})).await;
    assert_eq!(answer.status.as_u16(), 201);
    let shared = answer.ok();
    for (offer, publisher) in shared["offers"].as_array().unwrap().iter().zip(&publishers) {
        assert_eq!(text(offer, "/sharedTo/publisherId"), *publisher);
        assert_eq!(
            (text(offer, "/clonedFrom"), text(offer, "/displayStatus")),
            (id.clone(), "Scheduled".to_owned())
        );
        assert_eq!(offer["newestVersion"], 1);
        assert_ne!(offer["events"][0]["offerEventId"], before["events"][0]["offerEventId"]);
        let log = catalog.get(&format!("/audit-log?subject={}", text(offer, "/offerId")), &token).await.ok();
        let actions: Vec<_> = log["items"].as_array().unwrap().iter().map(|it| text(it, "/action")).collect();
        assert_eq!(actions, ["offer.shared", "offer.created", "offer.cloned"]);
        // And it is an offer like any other.
        let path = format!("/offers/{}", text(offer, "/offerId"));
        assert_eq!(catalog.get(&path, &token).await.ok(), *offer);
        let mut body = golfin(&text(offer, "/advertiserId"));
        body["name"] = json!("Its own");
        assert_eq!(catalog.put(&path, &token, body).await.ok()["newestVersion"], 2);
    }
    assert_eq!(shared["offers"].as_array().unwrap().len(), 2);
    assert_eq!(catalog.get(&format!("/offers/{id}"), &token).await.ok(), before, "the offer itself stays");
    let told = catalog.facts::<OfferChanged>().await;
    assert_eq!(told.iter().filter(|fact| fact.publisher_id.is_some() && fact.newest_version == 1).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn sharing_with_several_is_all_or_nothing() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let budget = json!({"name": "Golfin", "totalBudget": {"amount": "12000", "currency": "USD"}});
    let advertiser = text(&catalog.post("/advertisers", &token, budget).await.ok(), "/advertiserId");
    let id = text(&catalog.post("/offers", &token, golfin(&advertiser)).await.ok(), "/offerId");
    catalog.post(&format!("/offers/{id}/create"), &token, json!({})).await.ok();
    let path = format!("/offers/{id}/share");
    let (one, two) = (catalog.publisher(&token).await, catalog.publisher(&token).await);
    let nobody = "00000000-0000-7000-8000-000000000000";
    for (body, fields) in [
        (json!({"publisherIds": [one, nobody]}), ["publisherIds[1]"]),
        (json!({"publisherIds": [one, two, one]}), ["publisherIds[2]"]),
        (json!({"publisherIds": [one], "publisherId": two}), ["publisherIds"]),
        (json!({"publisherIds": []}), ["publisherId"]),
    ] {
        assert_eq!(catalog.post(&path, &token, body).await.fields(422, "invalid_body"), fields);
    }
    // The first clone is within the advertiser's budget, the second is not.
    let body = json!({"publisherIds": [one, two]});
    let fields = catalog.post(&path, &token, body.clone()).await.fields(422, "warnings_not_accepted");
    assert_eq!(fields, ["budget.total"]);
    assert_eq!(catalog.get("/offers", &token).await.ok()["total"], 1);
    assert_eq!(catalog.facts::<OfferVersionCreated>().await.len(), 1);
    let mut body = body;
    body["acceptedWarnings"] = json!(["lineage_budget_above_advertisers"]);
    catalog.post(&path, &token, body).await.ok();
    assert_eq!(catalog.get("/offers", &token).await.ok()["total"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn clones_of_an_offer_that_has_launched_launch_when_they_are_shared() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let mut body = golfin(&catalog.advertiser(&token).await);
    body["launchDate"] = json!("2020-01-01");
    let id = text(&catalog.post("/offers", &token, body).await.ok(), "/offerId");
    let accept = json!({"acceptedWarnings": ["launch_in_past"]});
    catalog.post(&format!("/offers/{id}/create"), &token, accept).await.ok();
    let publisher = catalog.publisher(&token).await;
    let shared =
        catalog.post(&format!("/offers/{id}/share"), &token, json!({"publisherIds": [publisher]})).await.ok();
    assert_eq!(shared["offers"][0]["displayStatus"], "Live");
}
