//! Canaries in every place a secret can travel, and a search through everything that was logged at any level.

use std::sync::Arc;

use actix_web::{get, post, web};
use http_kit::{
    Json, Problem,
    auth::{AuthSettings, Caller, TokenAuth},
    client::{Client, ClientSettings, Method, Outbound, Url, header::HeaderMap},
};
use process::SystemClock;
use secrecy::SecretString;

use super::harness::{call, log_everything, logged, post as send, raw, serve};

const CANARY: &str = "7f3c-canary-9a1e";

#[utoipa::path(params(("segment" = String, Path)))]
#[get("/in/{segment}")]
async fn taken(_segment: web::Path<String>) -> &'static str {
    "taken"
}

#[utoipa::path(params(("segment" = u64, Path)))]
#[get("/number/{segment}")]
async fn number(_segment: web::Path<u64>) -> &'static str {
    "taken"
}

#[utoipa::path]
#[post("/json")]
async fn json(_body: Json<Vec<u32>>) -> &'static str {
    "taken"
}

#[utoipa::path(params(("segment" = String, Path)))]
#[get("/fail/{segment}")]
async fn fail(_segment: web::Path<String>) -> Result<&'static str, Problem> {
    Err(Problem::internal("the database is on fire"))
}

#[utoipa::path(params(("segment" = String, Path)))]
#[get("/panic/{segment}")]
async fn panics(_segment: web::Path<String>) -> &'static str {
    panic!("no quotes of the request here")
}

#[utoipa::path]
#[get("/me")]
async fn me(_caller: Caller) -> &'static str {
    "you"
}

#[tokio::test]
async fn no_secret_is_logged_whatever_happens() {
    log_everything();
    let settings = AuthSettings { token_pepper: SecretString::from(CANARY), cache_ms: 0 };
    let auth = web::Data::new(TokenAuth::new(&settings, Arc::new(SystemClock), async |_| Ok(None)));
    let server = serve(move |config| {
        config
            .app_data(auth.clone())
            .service(taken)
            .service(number)
            .service(json)
            .service(fail)
            .service(panics)
            .service(me);
    });
    let to = server.address;
    let agent = format!("user-agent: {CANARY}");
    let id = format!("x-request-id: {CANARY}");
    let token = format!("authorization: Bearer gkt_{CANARY}");
    let cookie = format!("cookie: {CANARY}={CANARY}");
    let trace = format!("traceparent: {CANARY}");
    let headers = [agent.as_str(), &id, &token, &cookie, &trace];
    for (line, status) in [
        (format!("GET /in/{CANARY}?sig={CANARY}"), 200),
        (format!("GET /number/{CANARY}?sig={CANARY}"), 400),
        (format!("GET /fail/{CANARY}?sig={CANARY}"), 500),
        (format!("GET /panic/{CANARY}?sig={CANARY}"), 500),
        (format!("GET /nowhere/{CANARY}?sig={CANARY}"), 404),
        (format!("DELETE /in/{CANARY}?sig={CANARY}"), 405),
        (format!("GET /in/{CANARY}?{}", "q".repeat(600)), 414),
        (format!("GET /me?sig={CANARY}"), 401),
    ] {
        assert_eq!(call(to, &line, &headers).await.status, status, "{line}");
    }
    assert_eq!(send(to, "/json", "application/json", &format!("[\"{CANARY}\"]")).await.status, 422);
    assert_eq!(raw(to, format!("GET /{CANARY} HTTP/7.7\r\n{CANARY}\r\n\r\n").as_bytes()).await.status, 400);

    call_out().await;

    let log = logged();
    assert!(
        log.contains("request served") && log.contains("the database is on fire"),
        "something was logged"
    );
    assert!(log.contains("/in/{segment}"), "the pattern is what is logged");
    let leaks: Vec<_> = log
        .lines()
        .filter(|line| line.contains(CANARY))
        // Below `info`, hyper and the parser speak for themselves; a service's filter does not let them.
        .filter(|line| !is_a_librarys_own_chatter(line))
        .collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}

fn is_a_librarys_own_chatter(line: &str) -> bool {
    let event: serde_json::Value = serde_json::from_str(line).unwrap();
    let ours = event["target"].as_str().unwrap_or_default().starts_with("http_kit");
    let quiet = matches!(event["level"].as_str(), Some("TRACE" | "DEBUG"));
    !ours && quiet
}

/// A refused connection, a refused address and a name that does not resolve, each with secrets in the URL.
async fn call_out() {
    let settings = ClientSettings {
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
        ..ClientSettings::default()
    };
    let client = Client::new(&settings).unwrap();
    for host in ["127.0.0.1:1", "10.0.0.1", "canary.invalid"] {
        let url = Url::parse(&format!("http://{host}/{CANARY}?key={CANARY}")).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("webhook-signature", CANARY.parse().unwrap());
        let request = Outbound { method: Method::POST, url, headers, body: CANARY.into() };
        let error = client.send(request).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(CANARY));
        tracing::info!(error = %error, "delivery failed");
    }
}
