//! The HTTP API: who sees what.

use contracts::attribution::ConversionVerdict;
use serde_json::Value;

use crate::{
    facts::{Tenant, click_id, terms},
    stage::{MANAGER, PARTNER, STRANGER, Stage},
};

async fn stage() -> (Stage, Tenant) {
    let (stage, brownboots) = Stage::with_readers().await;
    let held = ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(2) };
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1)), brownboots.qualified(held)]).await;
    stage.rows("deliveries WHERE state = 'delivered'", 1).await;
    stage.rows("conversions", 2).await;
    (stage, brownboots)
}

#[tokio::test]
async fn conversions_are_listed_filtered_and_scoped() {
    let (stage, _) = stage().await;
    assert_eq!(stage.get("/api/v1/conversions", None).await.0, 401);
    let (status, all) = stage.get("/api/v1/conversions?page_size=1", Some(MANAGER)).await;
    assert_eq!((status, all["total"].as_u64(), all["items"].as_array().unwrap().len()), (200, Some(2), 1));

    let (_, pending) = stage.get("/api/v1/conversions?status=Pending", Some(MANAGER)).await;
    let pending = &pending["items"][0];
    assert_eq!(pending["status"], "Pending");
    assert_eq!(pending["revenue"]["amount"], "3.00");
    assert!(pending["dueAt"].is_string());

    let one = format!("/api/v1/conversions?gk_click_id={}", click_id(1));
    let (_, found) = stage.get(&one, Some(MANAGER)).await;
    assert_eq!(
        (found["total"].as_u64(), &found["items"][0]["eventId"]),
        (Some(1), &Value::from("af_purchase"))
    );

    let (_, of_partner) = stage.get("/api/v1/conversions", Some(PARTNER)).await;
    assert_eq!(of_partner["total"], 2);
    assert_eq!(of_partner["items"][0]["payout"]["amount"], "2.00");
    assert_eq!(
        of_partner["items"][0]["revenue"],
        Value::Null,
        "the advertiser's price is none of its business"
    );
    let (_, of_stranger) = stage.get("/api/v1/conversions", Some(STRANGER)).await;
    assert_eq!(of_stranger["total"], 0);
    assert_eq!(stage.get("/api/v1/conversions?status=Odd", Some(MANAGER)).await.0, 400);
    stage.strike().await;
}

#[tokio::test]
async fn one_conversion_shows_everything_that_followed() {
    let (stage, brownboots) = stage().await;
    let path = format!("/api/v1/conversions/{}", brownboots.conversion_id(1));
    let (status, whole) = stage.get(&path, Some(MANAGER)).await;
    assert_eq!((status, &whole["status"]), (200, &Value::from("Success")));
    assert_eq!(whole["history"].as_array().unwrap().len(), 1);
    assert_eq!(whole["transfers"].as_array().unwrap().len(), 2);
    let delivery = &whole["deliveries"][0];
    assert_eq!((&delivery["state"], &delivery["attemptCount"]), (&Value::from("delivered"), &Value::from(1)));
    let attempt = &delivery["attempts"][0];
    assert_eq!(attempt["httpStatus"], 200);
    assert!(!attempt["request"].as_str().unwrap().contains("member"), "the log shows no value: {attempt}");

    let (status, own) = stage.get(&path, Some(PARTNER)).await;
    assert_eq!((status, &own["transfers"], &own["revenue"]), (200, &Value::Null, &Value::Null));
    assert_eq!(own["history"][0]["revenue"], Value::Null);
    assert_eq!(stage.get(&path, Some(STRANGER)).await.0, 404);
    assert_eq!(stage.get("/api/v1/conversions/nonsense", Some(MANAGER)).await.0, 400);
    stage.strike().await;
}

#[tokio::test]
async fn the_ledger_is_read_by_the_tenant_and_an_account_by_its_publisher() {
    let (stage, brownboots) = stage().await;
    let (status, balances) = stage.get("/api/v1/ledger/balances", Some(MANAGER)).await;
    assert_eq!(status, 200);
    let of = |balances: &Value, kind: &str| {
        let items = balances["items"].as_array().unwrap();
        let found = items.iter().find(|item| item["account"]["kind"] == kind).unwrap();
        (found["pending"].as_str().unwrap().to_owned(), found["posted"].as_str().unwrap().to_owned())
    };
    assert_eq!(of(&balances, "advertiser_receivable"), (String::from("3.00"), String::from("3.00")));
    assert_eq!(of(&balances, "publisher_payable"), (String::from("2.00"), String::from("2.00")));
    assert_eq!(of(&balances, "margin"), (String::from("1.00"), String::from("1.00")));

    let (_, own) = stage.get("/api/v1/ledger/balances", Some(PARTNER)).await;
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
    assert_eq!(of(&own, "publisher_payable").1, "2.00");
    assert_eq!(stage.get("/api/v1/ledger/transfers", Some(PARTNER)).await.0, 403);

    let path = format!("/api/v1/ledger/transfers?conversion_id={}", brownboots.conversion_id(2));
    let (_, transfers) = stage.get(&path, Some(MANAGER)).await;
    assert_eq!(
        (transfers["total"].as_u64(), &transfers["items"][0]["kind"]),
        (Some(2), &Value::from("pending"))
    );
    let (_, of_stranger) = stage.get("/api/v1/ledger/transfers", Some(STRANGER)).await;
    assert_eq!(of_stranger["total"], 0);
    stage.strike().await;
}
