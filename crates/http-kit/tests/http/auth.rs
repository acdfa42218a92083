//! Tokens: who gets in, who does not, and what the refused learn.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{get, post, web};
use http_kit::{
    Problem,
    auth::{AuthSettings, Caller, Grant, Operator, OperatorAuth, TokenAuth},
};
use kernel::{Clock, Principal, Role, Scopes, TenantId, Timestamp, TokenId};
use secrecy::SecretString;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::harness::{Running, Wire, call, serve};

const NOW: Timestamp = Timestamp::from_micros(1_000_000);

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOW
    }
}

#[utoipa::path(security(("apiToken" = ["read-own"])))]
#[get("/me")]
async fn me(caller: Caller) -> String {
    caller.tenant.to_string()
}

#[utoipa::path(security(("apiToken" = ["write"])))]
#[post("/write")]
async fn write(caller: Caller) -> Result<&'static str, Problem> {
    caller.require_write()?;
    Ok("written")
}

#[utoipa::path(security(("operatorToken" = [])))]
#[post("/tenants")]
async fn make_tenant(_operator: Operator) -> &'static str {
    "made"
}

fn grant(role: Role, expires_at: Option<Timestamp>) -> Grant {
    Grant {
        principal: Principal {
            tenant: TenantId::from_uuid(Uuid::from_u128(7)),
            token: TokenId::from_uuid(Uuid::from_u128(8)),
            role,
            publisher: None,
            scopes: Scopes::FULL,
        },
        expires_at,
    }
}

/// A server whose store knows four tokens and counts how often it is asked.
fn start(cache_ms: u64) -> (Running, Arc<AtomicUsize>) {
    let pepper = SecretString::from("pepper");
    let hash = |token: &str| signing::token::hash(&pepper, token);
    let known = [
        (hash("manager"), grant(Role::Manager, None)),
        (hash("analyst"), grant(Role::Analyst, Some(Timestamp::from_micros(1_000_001)))),
        (hash("expired"), grant(Role::Owner, Some(NOW))),
    ];
    let broken = hash("broken");
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let settings = AuthSettings { token_pepper: pepper.clone(), cache_ms };
    let auth = web::Data::new(TokenAuth::new(&settings, Arc::new(Stopped), move |hash| {
        counter.fetch_add(1, Ordering::SeqCst);
        let found = known.iter().find(|(known, _)| *known == hash).map(|(_, grant)| *grant);
        async move { if hash == broken { Err("store-canary".into()) } else { Ok(found) } }
    }));
    let operator = web::Data::new(OperatorAuth::new(&pepper, &SecretString::from("operator-token")));
    let server = serve(move |config: &mut ServiceConfig<'_>| {
        config
            .app_data(auth.clone())
            .app_data(operator.clone())
            .service(me)
            .service(write)
            .service(make_tenant);
    });
    (server, asked)
}

async fn with(server: &Running, line: &str, authorization: &str) -> Wire {
    call(server.address, line, &[&format!("authorization: {authorization}")]).await
}

/// The body without what differs from request to request.
fn told(answer: &Wire) -> serde_json::Value {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("requestId");
    body
}

#[tokio::test]
async fn a_known_token_opens_the_door_in_both_spellings() {
    let (server, _) = start(0);
    for authorization in ["ApiToken manager", "Bearer manager", "bearer analyst"] {
        let answer = with(&server, "GET /me", authorization).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "00000000-0000-0000-0000-000000000007"));
    }
}

#[tokio::test]
async fn the_refused_get_a_challenge_and_do_not_learn_why() {
    let (server, _) = start(0);
    let unknown = with(&server, "GET /me", "Bearer unknown").await;
    assert_eq!(unknown.status, 401);
    assert!(unknown.header("www-authenticate").unwrap().contains("ApiToken"));
    for authorization in ["Bearer expired", "Bearer", "Basic bWFuYWdlcg==", "manager"] {
        let answer = with(&server, "GET /me", authorization).await;
        assert_eq!(answer.status, 401, "{authorization}");
        assert_eq!(told(&answer), told(&unknown), "{authorization}");
    }
    let missing = call(server.address, "GET /me", &[]).await;
    assert_eq!(missing.status, 401);
    assert!(missing.body.contains("Authorization: ApiToken"), "the missing header is explained");
}

#[tokio::test]
async fn a_role_that_is_not_enough_is_403() {
    let (server, _) = start(0);
    assert_eq!(with(&server, "POST /write", "Bearer manager").await.status, 200);
    let refused = with(&server, "POST /write", "Bearer analyst").await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("role analyst"));
}

#[tokio::test]
async fn a_store_that_is_down_is_503_and_not_401() {
    let (server, _) = start(0);
    let answer = with(&server, "GET /me", "Bearer broken").await;
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
    assert!(!answer.body.contains("canary"));
}

#[tokio::test]
async fn hits_are_remembered_and_misses_are_not() {
    let (server, asked) = start(5_000);
    for _ in 0..5 {
        assert_eq!(with(&server, "GET /me", "Bearer manager").await.status, 200);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    for _ in 0..3 {
        assert_eq!(with(&server, "GET /me", "Bearer unknown").await.status, 401);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn an_expired_token_is_refused_from_memory_too() {
    let (server, _) = start(5_000);
    for _ in 0..2 {
        assert_eq!(with(&server, "GET /me", "Bearer expired").await.status, 401);
    }
}

#[tokio::test]
async fn the_operator_has_a_door_of_its_own() {
    let (server, _) = start(0);
    assert_eq!(with(&server, "POST /tenants", "Bearer operator-token").await.status, 200);
    assert_eq!(with(&server, "POST /tenants", "Bearer manager").await.status, 401);
    assert_eq!(with(&server, "POST /tenants", "Bearer operator-toke").await.status, 401);
    assert_eq!(with(&server, "GET /me", "Bearer operator-token").await.status, 401);
    assert_eq!(call(server.address, "POST /tenants", &[]).await.status, 401);
}

#[test]
fn the_longest_memory_is_five_seconds() {
    let mut problems = settings::Problems::default();
    let section = AuthSettings { token_pepper: SecretString::from("p"), cache_ms: 5_001 };
    settings::Validate::validate(&section, &mut problems);
    assert!(!problems.is_empty());
}
