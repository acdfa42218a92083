//! Users: roles, their tokens, and that a tenant keeps an owner.

use contracts::catalog::{ApiTokenChanged, TokenRole};
use reqwest::Method;
use serde_json::{Value, json};

use crate::catalog::{Catalog, text};

async fn user(catalog: &Catalog, owner: &str, role: &str) -> String {
    let body = json!({"name": "Ada", "email": "ada@brownboots.example", "role": role});
    text(&catalog.post("/users", owner, body).await.ok(), "/userId")
}

async fn token_of(catalog: &Catalog, owner: &str, user: &str) -> String {
    text(&catalog.post("/tokens", owner, json!({"userId": user})).await.ok(), "/apiToken")
}

async fn first_owner(catalog: &Catalog, owner: &str) -> Value {
    catalog.get("/users", owner).await.ok()["items"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_tokens_have_their_role_and_follow_it() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let ada = user(&catalog, &owner, "analyst").await;
    let token = token_of(&catalog, &owner, &ada).await;
    catalog.get("/offers", &token).await.ok();
    catalog.post("/advertisers", &token, json!({"name": "x"})).await.problem(403, "forbidden");

    let path = format!("/users/{ada}");
    let shown = catalog.get(&path, &owner).await;
    assert_eq!(shown.etag.as_deref(), Some("\"1\""));
    let body = json!({"name": "Ada", "role": "manager"});
    let with = [("if-match", "\"1\"")];
    catalog.call_with(Method::PUT, &path, &owner, Some(body.clone()), &with).await.ok();
    let stale = catalog.call_with(Method::PUT, &path, &owner, Some(body.clone()), &with).await;
    stale.problem(412, "changed_since_read");
    catalog.post("/advertisers", &token, json!({"name": "x"})).await.ok();
    let told = catalog.facts::<ApiTokenChanged>().await.pop().unwrap();
    assert_eq!((told.role(), told.version), (TokenRole::Manager, 2));

    // A publisher's user sees that publisher, and a token of role publisher names it.
    let publisher = catalog.publisher(&owner).await;
    let body = json!({"name": "Ada", "role": "publisher", "publisherId": publisher});
    catalog.put(&path, &owner, body).await.ok();
    catalog.get("/offers", &token).await.problem(403, "forbidden");
    assert!(catalog.facts::<ApiTokenChanged>().await.pop().unwrap().publisher_id.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deactivated_users_tokens_open_nothing() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let ada = user(&catalog, &owner, "manager").await;
    let (one, two) = (token_of(&catalog, &owner, &ada).await, token_of(&catalog, &owner, &ada).await);
    let alone = catalog.post("/tokens", &owner, json!({"role": "manager"})).await.ok();

    for _again in 0..2 {
        let gone = catalog.call(Method::POST, &format!("/users/{ada}/deactivate"), &owner, None).await.ok();
        assert_eq!(gone["active"], false);
    }
    for token in [&one, &two] {
        catalog.get("/offers", token).await.problem(401, "unauthorized");
    }
    catalog.get("/offers", &text(&alone, "/apiToken")).await.ok();
    let told = catalog.facts::<ApiTokenChanged>().await;
    assert_eq!(told.iter().filter(|token| token.revoked_at_micros.is_some()).count(), 2);

    let refused = catalog.post("/tokens", &owner, json!({"userId": ada})).await;
    assert_eq!(refused.fields(422, "invalid_body"), ["userId"]);
    let body = json!({"name": "Ada", "role": "owner"});
    catalog.put(&format!("/users/{ada}"), &owner, body).await.problem(409, "user_deactivated");
    let log = catalog.get("/audit-log", &owner).await.ok().to_string();
    assert!(
        log.contains("user.deactivated") && log.contains("user.created") && log.contains("token.revoked")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_keeps_an_owner() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let first = text(&first_owner(&catalog, &owner).await, "/userId");
    let listed = catalog.get("/tokens", &owner).await.ok();
    assert_eq!(listed["items"][0]["userId"], first.as_str(), "the tenant's first token is its first owner's");

    let path = format!("/users/{first}");
    let gone = catalog.call(Method::POST, &format!("{path}/deactivate"), &owner, None).await;
    let problem = gone.problem(409, "last_owner");
    assert!(text(&problem, "/detail").contains("make another user an owner first"), "{problem}");
    let demoted = json!({"name": "owner", "role": "manager"});
    catalog.put(&path, &owner, demoted.clone()).await.problem(409, "last_owner");
    // Another name is another matter.
    catalog.put(&path, &owner, json!({"name": "Grace", "role": "owner"})).await.ok();

    // Of two owners who remove each other at once, one stays.
    let second = user(&catalog, &owner, "owner").await;
    let theirs = token_of(&catalog, &owner, &second).await;
    let (a, b) = (format!("{path}/deactivate"), format!("/users/{second}/deactivate"));
    let (a, b) = tokio::join!(
        catalog.call(Method::POST, &a, &theirs, None),
        catalog.call(Method::POST, &b, &owner, None)
    );
    assert_eq!([a.status, b.status].iter().filter(|status| status.is_success()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_user_is_said_at_once_and_only_owners_manage_users() {
    let catalog = Catalog::start().await;
    let owner = catalog.tenant("Brownboots").await;
    let nobody = "00000000-0000-7000-8000-000000000000";
    for (body, fields) in [
        (json!({}), vec!["name", "role"]),
        (json!({"name": 1, "email": "ada", "role": "king", "pw": "x"}), vec!["pw", "name", "email", "role"]),
        (json!({"name": "x", "role": "publisher"}), vec!["publisherId"]),
        (json!({"name": "x", "role": "publisher", "publisherId": nobody}), vec!["publisherId"]),
        (json!({"name": "x", "role": "analyst", "publisherId": nobody}), vec!["publisherId"]),
    ] {
        assert_eq!(catalog.post("/users", &owner, body).await.fields(422, "invalid_body"), fields);
    }
    let ada = user(&catalog, &owner, "manager").await;
    let manager = token_of(&catalog, &owner, &ada).await;
    catalog.get("/users", &manager).await.problem(403, "forbidden");
    catalog.post("/users", &manager, json!({"name": "x", "role": "owner"})).await.problem(403, "forbidden");
    for path in [format!("/users/{nobody}"), format!("/users/{ada}")] {
        let other = catalog.tenant(if path.contains(nobody) { "Redshoes" } else { "Blueboots" }).await;
        catalog.get(&path, &other).await.problem(404, "not_found");
        let body = json!({"name": "x", "role": "owner"});
        catalog.put(&path, &other, body).await.problem(404, "not_found");
        let gone = catalog.call(Method::POST, &format!("{path}/deactivate"), &other, None).await;
        gone.problem(404, "not_found");
    }
}
