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
