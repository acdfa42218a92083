//! Tenants, and the operator's token that makes them.

use contracts::catalog::{ApiTokenChanged, TenantChanged, TokenRole};
use reqwest::Method;
use serde_json::json;

use crate::catalog::{Catalog, OPERATOR_TOKEN, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_made_with_its_owners_token() {
    let catalog = Catalog::start().await;
    let body = json!({
        "domain": "Brownboots", "displayName": "Brown Boots Ltd", "timeZone": "Europe/Berlin",
        "defaultCurrency": "eur", "mediaSources": ["gokart_int"],
    });
    let answer = catalog.post("/tenants", OPERATOR_TOKEN, body).await;
    assert_eq!((answer.status.as_u16(), answer.cache_control.as_deref()), (201, Some("no-store")));
    let created = answer.ok();
    let token = text(&created, "/ownerToken/apiToken");
    assert!(token.starts_with("gkt_"));

    let me = catalog.get("/tenants/me", &token).await.ok();
    assert_eq!(me, created["tenant"]);
    assert_eq!((me["domain"].as_str(), me["defaultCurrency"].as_str()), (Some("Brownboots"), Some("EUR")));

    let told = catalog.facts::<TenantChanged>().await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].version, told[0].domain.as_str()), (1, "Brownboots"));
    assert_eq!(told[0].media_sources, ["gokart_int"]);
    let tokens = catalog.facts::<ApiTokenChanged>().await;
    assert_eq!((tokens[0].role(), tokens[0].token_hash.len()), (TokenRole::Owner, 32));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_tenant_is_said_at_once() {
    let catalog = Catalog::start().await;
    let wrong = json!({
        "domain": "api", "displayName": 7, "defaultCurrency": "dollars", "mediaSources": "gokart_int", "colour": "red",
    });
    let fields = catalog.post("/tenants", OPERATOR_TOKEN, wrong).await.fields(422, "invalid_body");
    assert_eq!(fields, ["colour", "domain", "displayName", "defaultCurrency", "mediaSources"]);

    let fields = catalog.post("/tenants", OPERATOR_TOKEN, json!({})).await.fields(422, "invalid_body");
    assert_eq!(fields, ["domain"]);

    for zone in ["Mars/Olympus", "CEST", "posix/Europe/Berlin", "europe"] {
        let body = json!({"domain": "a-zone", "timeZone": zone});
        assert_eq!(
            catalog.post("/tenants", OPERATOR_TOKEN, body).await.fields(422, "invalid_body"),
            ["timeZone"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_taken_whatever_its_case() {
    let catalog = Catalog::start().await;
    catalog.tenant("Brownboots").await;
    catalog
        .post("/tenants", OPERATOR_TOKEN, json!({"domain": "BROWNBOOTS"}))
        .await
        .problem(409, "domain_taken");
    assert_eq!(catalog.facts::<TenantChanged>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_makes_tenants() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    for token in ["", "wrong", &owner] {
        catalog.post("/tenants", token, json!({"domain": "other"})).await.problem(401, "unauthorized");
    }
    // Nor is the operator an owner of anything.
    catalog.get("/tenants/me", OPERATOR_TOKEN).await.problem(401, "unauthorized");
    catalog.call(Method::PUT, "/tenants", OPERATOR_TOKEN, None).await.problem(405, "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_changes_what_is_stated_and_everybody_hears() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let manager = catalog.post("/tokens", &owner, json!({"role": "manager"})).await.ok();
    let manager = text(&manager, "/apiToken");
    let read = catalog.get("/tenants/me", &owner).await;
    let etag = read.etag.clone().unwrap();
    let body = json!({
        "displayName": "Brown Boots Ltd", "timeZone": "Europe/Berlin", "defaultCurrency": "EUR",
        "mediaSources": ["gokart_int", "gokart2_int"],
    });
    catalog.put("/tenants/me", &manager, body.clone()).await.problem(403, "forbidden");

    let with = [("if-match", etag.as_str())];
    let changed = catalog.call_with(Method::PUT, "/tenants/me", &owner, Some(body.clone()), &with).await;
    assert_eq!(changed.etag.as_deref(), Some("\"2\""));
    let changed = changed.ok();
    assert_eq!((&changed["timeZone"], &changed["domain"]), (&json!("Europe/Berlin"), &json!("Brownboots")));
    assert_eq!(catalog.get("/tenants/me", &manager).await.ok(), changed);
    let stale = catalog.call_with(Method::PUT, "/tenants/me", &owner, Some(body.clone()), &with).await;
    stale.problem(412, "changed_since_read");
    // Saving what is there is no change.
    assert_eq!(catalog.put("/tenants/me", &owner, body).await.etag.as_deref(), Some("\"2\""));

    let told = catalog.facts::<TenantChanged>().await;
    assert_eq!(told.len(), 2);
    assert_eq!((told[1].version, told[1].default_currency.as_str()), (2, "EUR"));
    let log = catalog.get("/audit-log", &owner).await.ok();
    let entry = log["items"].as_array().unwrap().iter().find(|it| it["action"] == "tenant.changed").unwrap();
    assert_eq!(entry["before"]["timeZone"], "America/New_York");
    assert_eq!(entry["after"]["timeZone"], "Europe/Berlin");

    let wrong = json!({"domain": "other", "timeZone": 1, "mediaSources": "x"});
    assert_eq!(
        catalog.put("/tenants/me", &owner, wrong).await.fields(422, "invalid_body"),
        ["domain", "displayName", "timeZone", "defaultCurrency", "mediaSources"]
    );
    let zone = json!({"displayName": "x", "timeZone": "Mars/Olympus", "defaultCurrency": "EUR"});
    assert_eq!(catalog.put("/tenants/me", &owner, zone).await.fields(422, "invalid_body"), ["timeZone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_table_is_replaced_whole_checked_and_told() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let empty = catalog.get("/tenants/me/rates", &owner).await.ok();
    assert_eq!(empty, json!({"defaultCurrency": "USD", "rates": []}));

    let table = json!({"rates": [
        {"from": "eur", "to": "USD", "rate": "1.0842"}, {"from": "VND", "to": "USD", "rate": 0.000_039},
    ]});
    let saved = catalog.put("/tenants/me/rates", &owner, table.clone()).await;
    assert_eq!(saved.etag.as_deref(), Some("\"2\""));
    let saved = saved.ok();
    assert_eq!(saved["rates"][0], json!({"from": "EUR", "to": "USD", "rate": "1.0842"}));
    assert_eq!(saved["rates"][1]["rate"], "0.000039");
    assert_eq!(catalog.get("/tenants/me/rates", &owner).await.ok(), saved);
    // What is stated of the tenant and its rates share one ETag: nobody overwrites what they have not seen.
    let with = [("if-match", "\"1\"")];
    let stale = catalog.call_with(Method::PUT, "/tenants/me/rates", &owner, Some(table), &with).await;
    stale.problem(412, "changed_since_read");

    let told = catalog.facts::<TenantChanged>().await.pop().unwrap();
    let rates: Vec<_> = told.rates.iter().map(|it| (it.from.as_str(), it.to.as_str(), it.rate_e12)).collect();
    assert_eq!(rates, [("EUR", "USD", 1_084_200_000_000), ("VND", "USD", 39_000_000)]);

    let wrong = json!({"rates": [{"from": "EURO", "rate": "-1", "of": 1}, 7]});
    assert_eq!(
        catalog.put("/tenants/me/rates", &owner, wrong).await.fields(422, "invalid_body"),
        ["rates[0].of", "rates[0].from", "rates[0].to", "rates[0].rate", "rates[1]"]
    );
    let twice = json!({"rates": [
        {"from": "EUR", "to": "USD", "rate": 1}, {"from": "EUR", "to": "USD", "rate": 2},
        {"from": "USD", "to": "USD", "rate": 1},
    ]});
    assert_eq!(
        catalog.put("/tenants/me/rates", &owner, twice).await.fields(422, "invalid_body"),
        ["rates[1]", "rates[2].to"]
    );
    assert_eq!(
        catalog.put("/tenants/me/rates", &owner, json!({})).await.fields(422, "invalid_body"),
        ["rates"]
    );
}
