//! Warnings stop what would cost money until somebody says that they are meant.

use contracts::catalog::OfferVersionCreated;
use serde_json::{Value, json};

use crate::catalog::{Catalog, golfin, text};

fn without_picture(advertiser: &str) -> Value {
    let mut body = golfin(advertiser);
    body["creatives"] = json!([]);
    body["events"][1]["sequenceNumber"] = json!(3);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_asks_for_every_warning_and_what_is_accepted_is_written_down() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let advertiser = catalog.advertiser(&token).await;
    let draft = catalog.post("/offers", &token, without_picture(&advertiser)).await.ok();
    let path = format!("/offers/{}", text(&draft, "/offerId"));
    let create = format!("{path}/create");

    let problem = catalog.post(&create, &token, json!({})).await.problem(422, "warnings_not_accepted");
    assert_eq!(
        text(&problem, "/detail"),
        "mend them, or say that they are meant: \"acceptedWarnings\": [\"no_creative\", \"sequence_gap\"]"
    );
    let half = json!({"acceptedWarnings": ["no_creative"]});
    assert_eq!(catalog.post(&create, &token, half).await.fields(422, "warnings_not_accepted"), ["events"]);
    assert_eq!(catalog.facts::<OfferVersionCreated>().await, []);
    let log = format!("/audit-log?subject={}", text(&draft, "/offerId"));
    assert_eq!(catalog.get(&log, &token).await.ok()["total"], 1, "what was refused is not accepted");

    let both = json!({"acceptedWarnings": ["no_creative", "sequence_gap"]});
    let created = catalog.post(&create, &token, both).await.ok();
    for finding in created["findings"].as_array().unwrap() {
        assert_eq!(finding["accepted"], finding["severity"] == "warning", "{finding}");
    }
    let logged = catalog.get(&log, &token).await.ok();
    assert_eq!(logged["items"][1]["action"], "offer.warnings-accepted");
    let codes: Vec<_> = logged["items"][1]["after"]["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(it, "/code"))
        .collect();
    assert_eq!(codes, ["no_creative", "sequence_gap"]);

    // Said once, it is not asked again: neither on sharing nor on saving.
    let mut body = without_picture(&advertiser);
    body["name"] = json!("Golfin, better");
    catalog.put(&path, &token, body).await.ok();
    let publisher = catalog.publisher(&token).await;
    catalog.post(&format!("{path}/share"), &token, json!({"publisherId": publisher})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_answers_for_the_warnings_that_it_brings() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let path = format!("/offers/{}", catalog.offer(&token).await);
    let mut body = golfin(&text(&catalog.get(&path, &token).await.ok(), "/advertiserId"));
    body["events"][1]["payout"] = json!("5.50");
    let fields = catalog.put(&path, &token, body.clone()).await.fields(422, "warnings_not_accepted");
    assert_eq!(fields, ["events[1].payout"]);
    body["acceptedWarnings"] = json!(["payout_above_revenue"]);
    assert_eq!(catalog.put(&path, &token, body.clone()).await.ok()["newestVersion"], 2);
    // The same words with another amount are another warning.
    body["events"][1]["payout"] = json!("6.00");
    body["acceptedWarnings"] = json!([]);
    catalog.put(&path, &token, body).await.problem(422, "warnings_not_accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_saved_whatever_it_lacks_and_can_be_ticked_already() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let advertiser = catalog.advertiser(&token).await;
    let mut body = without_picture(&advertiser);
    body["acceptedWarnings"] = json!(["no_creative"]);
    let draft = catalog.post("/offers", &token, body.clone()).await.ok();
    let path = format!("/offers/{}", text(&draft, "/offerId"));
    body["acceptedWarnings"] = json!(["sequence_gap"]);
    catalog.put(&path, &token, body).await.ok();
    catalog.post(&format!("{path}/create"), &token, json!({})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn sharing_asks_for_what_came_with_time() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let publisher = catalog.publisher(&token).await;
    let id = catalog.offer(&token).await;
    let path = format!("/offers/{id}");
    // The launch passes, as the linter sees it: the offer is as it was created.
    let statement = format!(
        "UPDATE offers SET fields = jsonb_set(fields, '{{launchAt}}', '1000000') WHERE offer_id = '{id}'"
    );
    diesel_async::SimpleAsyncConnection::batch_execute(&mut catalog.database.admin().await, &statement)
        .await
        .unwrap();
    let share_path = format!("{path}/share");
    let share = |accepted: Value| {
        let body = json!({"publisherId": publisher, "acceptedWarnings": accepted});
        catalog.post(&share_path, &token, body)
    };
    // A save does not bring it, sharing begins with it.
    let mut body = golfin(&text(&catalog.get(&path, &token).await.ok(), "/advertiserId"));
    body["launchDate"] = json!("1970-01-01T00:00:01Z");
    body["name"] = json!("Another name");
    catalog.put(&path, &token, body).await.ok();
    assert_eq!(share(json!([])).await.fields(422, "warnings_not_accepted"), ["launchDate"]);
    share(json!(["launch_in_past"])).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_warnings_can_be_accepted() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let draft = text(&catalog.post("/offers", &token, json!({"name": "x"})).await.ok(), "/offerId");
    let body = json!({"acceptedWarnings": ["required", "clickid_added", "nonsense", "sequence_gap"]});
    let fields =
        catalog.post(&format!("/offers/{draft}/create"), &token, body).await.fields(422, "invalid_body");
    assert_eq!(fields, ["acceptedWarnings[0]", "acceptedWarnings[1]", "acceptedWarnings[2]"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_nobody_saved_is_linted() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let advertiser = catalog.advertiser(&token).await;
    let empty = catalog.post("/offers/lint", &token, json!({})).await.ok();
    assert_eq!(empty["canBeCreated"], false);
    assert!(empty["findings"].as_array().unwrap().len() > 10);
    let mut body = without_picture(&advertiser);
    body["acceptedWarnings"] = json!(["no_creative"]);
    let linted = catalog.post("/offers/lint", &token, body).await.ok();
    assert_eq!(linted["canBeCreated"], true);
    let told: Vec<_> = linted["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (text(it, "/code"), it["accepted"] == true))
        .collect();
    let expected = [("no_creative", true), ("sequence_gap", false), ("clickid_added", false)];
    assert_eq!(told, expected.map(|(code, accepted)| (code.to_owned(), accepted)));
    assert_eq!(catalog.get("/offers", &token).await.ok()["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_of_a_lineage_are_added_up_and_held_against_the_advertisers() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let body = json!({"name": "Golfin", "totalBudget": {"amount": "12000", "currency": "USD"}});
    let advertiser = text(&catalog.post("/advertisers", &token, body).await.ok(), "/advertiserId");
    let first = text(&catalog.post("/offers", &token, golfin(&advertiser)).await.ok(), "/offerId");
    catalog.post(&format!("/offers/{first}/create"), &token, json!({})).await.ok();
    let mut ids = vec![first.clone()];
    for from in [0, 1] {
        let path = format!("/offers/{}/clone", ids[from]);
        ids.push(text(&catalog.post(&path, &token, json!({})).await.ok(), "/offerId"));
    }
    catalog.post(&format!("/offers/{}/create", ids[1]), &token, json!({})).await.ok();

    for asked in &ids {
        let lineage = catalog.get(&format!("/offers/{asked}/lineage"), &token).await.ok();
        let budgets = json!([{"currency": "USD", "created": "10000.00", "drafts": "5000.00"}]);
        assert_eq!(lineage["budgets"], budgets);
        assert_eq!(lineage["advertiserBudget"]["amount"], "12000.00");
        let found: Vec<_> =
            lineage["offers"].as_array().unwrap().iter().map(|it| text(it, "/offerId")).collect();
        assert_eq!(found, ids);
    }
    // The third is one too many; nobody else's offers count.
    catalog.offer(&token).await;
    let create = format!("/offers/{}/create", ids[2]);
    let problem = catalog.post(&create, &token, json!({})).await.problem(422, "warnings_not_accepted");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("makes 15000.00, above"), "{problem}");
    let accept = json!({"acceptedWarnings": ["lineage_budget_above_advertisers"]});
    catalog.post(&create, &token, accept).await.ok();
}
