//! API tokens: rights by role, expiry, revocation.

use contracts::catalog::{ApiTokenChanged, TokenScope};
use reqwest::Method;
use serde_json::{Value, json};

use crate::catalog::{Catalog, text};

async fn token(catalog: &Catalog, owner: &str, body: Value) -> (String, String) {
    let issued = catalog.post("/tokens", owner, body).await.ok();
    (text(&issued, "/tokenId"), text(&issued, "/apiToken"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_do_what_it_should() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let publisher = catalog.publisher(&owner).await;
    let (_, manager) = token(&catalog, &owner, json!({"role": "manager"})).await;
    let (_, analyst) = token(&catalog, &owner, json!({"role": "analyst", "label": "BI"})).await;
    let (_, partner) = token(&catalog, &owner, json!({"role": "publisher", "publisherId": publisher})).await;

    for (who, reads, writes, owns) in [
        (&owner, 200, 201, 201),
        (&manager, 200, 201, 403),
        (&analyst, 200, 403, 403),
        (&partner, 403, 403, 403),
    ] {
        let status = catalog.get("/offers", who).await.status;
        assert_eq!(status.as_u16(), reads);
        let status = catalog.post("/advertisers", who, json!({"name": "x"})).await.status;
        assert_eq!(status.as_u16(), writes);
        let status = catalog.post("/tokens", who, json!({"role": "analyst"})).await.status;
        assert_eq!(status.as_u16(), owns);
        let status = catalog.post("/credentials", who, json!({})).await.status;
        assert_eq!(status.as_u16(), owns);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_opens_nothing_and_everybody_hears() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let (id, manager) = token(&catalog, &owner, json!({"role": "manager"})).await;
    catalog.get("/offers", &manager).await.ok();

    for _again in 0..2 {
        let answer = catalog.call(Method::DELETE, &format!("/tokens/{id}"), &owner, None).await;
        assert_eq!(answer.status.as_u16(), 204);
    }
    catalog.get("/offers", &manager).await.problem(401, "unauthorized");

    let told: Vec<_> = catalog.facts::<ApiTokenChanged>().await;
    let revoked: Vec<_> = told.iter().filter(|token| token.revoked_at_micros.is_some()).collect();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].version, 2);
    let listed = catalog.get("/tokens", &owner).await.ok();
    assert_eq!((listed["total"].as_u64(), listed["items"][0]["revokedAt"].is_string()), (Some(2), true));
    assert!(!listed.to_string().contains("gkt_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_opens_nothing() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let (_, old) = token(&catalog, &owner, json!({"role": "manager", "expiresAt": "2020-01-01"})).await;
    catalog.get("/offers", &old).await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_token_is_said_at_once() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let nobody = "00000000-0000-7000-8000-000000000000";
    for (body, fields) in [
        (json!({}), vec!["role"]),
        (json!({"role": "king", "expiresAt": "soon", "label": 1}), vec!["label", "role", "expiresAt"]),
        (json!({"role": "publisher"}), vec!["publisherId"]),
        (json!({"role": "manager", "publisherId": nobody}), vec!["publisherId"]),
        (json!({"role": "publisher", "publisherId": nobody}), vec!["publisherId"]),
    ] {
        assert_eq!(catalog.post("/tokens", &owner, body).await.fields(422, "invalid_body"), fields);
    }
    catalog.call(Method::DELETE, &format!("/tokens/{nobody}"), &owner, None).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_holds_a_token_to_a_part_of_its_role() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    for (role, scopes, reads, writes, owns) in [
        ("owner", json!(["read"]), 200, 403, 403),
        ("owner", json!(["write"]), 403, 201, 403),
        ("owner", json!(["manage"]), 403, 403, 201),
        ("manager", json!(["READ", "write", "manage"]), 200, 201, 403),
        ("analyst", json!(["read", "write"]), 200, 403, 403),
    ] {
        let (_, held) = token(&catalog, &owner, json!({"role": role, "scopes": scopes})).await;
        let got = [
            catalog.get("/offers", &held).await.status.as_u16(),
            catalog.post("/advertisers", &held, json!({"name": "x"})).await.status.as_u16(),
            catalog.post("/tokens", &held, json!({"role": "analyst"})).await.status.as_u16(),
        ];
        assert_eq!(got, [reads, writes, owns], "{role} {scopes}");
    }
    let (_, reader) = token(&catalog, &owner, json!({"role": "owner", "scopes": ["read"]})).await;
    let problem = catalog.post("/advertisers", &reader, json!({"name": "x"})).await.problem(403, "forbidden");
    assert!(text(&problem, "/detail").contains("scope `write`"), "{problem}");

    // Other services are told; a token without scopes is told as before there were any.
    let told: Vec<_> = catalog.facts::<ApiTokenChanged>().await;
    assert!(told[0].scopes.is_empty());
    assert_eq!(told[1].scopes, [i32::from(TokenScope::Read)]);
    for wrong in [json!([]), json!(["all"]), json!("read")] {
        let answer = catalog.post("/tokens", &owner, json!({"role": "manager", "scopes": wrong})).await;
        assert!(answer.fields(422, "invalid_body")[0].starts_with("scopes"));
    }
    let user = text(&catalog.get("/users", &owner).await.ok(), "/items/0/userId");
    let both = json!({"userId": user, "role": "owner", "publisherId": user});
    assert_eq!(
        catalog.post("/tokens", &owner, both).await.fields(422, "invalid_body"),
        ["role", "publisherId"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_shown_when_a_token_was_used_last() {
    let catalog = Catalog::start_with(&[
        ("BUS__URL", "amqp://127.0.0.1:1".to_owned()),
        ("TOKENS__SAVE_USES_MS", "50".to_owned()),
    ])
    .await;
    let owner = catalog.tenant("Brownboots").await;
    let (used, text_of_used) = token(&catalog, &owner, json!({"role": "analyst"})).await;
    let (unused, _) = token(&catalog, &owner, json!({"role": "analyst"})).await;
    catalog.call(Method::GET, "/offers", &text_of_used, None).await.ok();
    loop {
        let listed = catalog.get("/tokens", &owner).await.ok();
        let of = |id: &str| {
            let items = listed["items"].as_array().unwrap().iter();
            items.clone().find(|token| token["tokenId"] == id).unwrap()["lastUsedAt"].clone()
        };
        assert!(of(&unused).is_null());
        if of(&used).is_string() {
            break;
        }
        tokio::task::yield_now().await;
    }
}
