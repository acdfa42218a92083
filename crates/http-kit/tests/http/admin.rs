//! What an operator and a kubelet see.

use actix_web::get;
use http_kit::admin::{self, AdminSettings};
use process::{Readiness, Supervisor};

use super::harness::{get as fetch, serve};

fn start(readiness: &Readiness) -> std::net::SocketAddr {
    let settings = AdminSettings { listen: ([127, 0, 0, 1], 0).into() };
    admin::listen(&settings, readiness, &Supervisor::new()).unwrap()
}

#[tokio::test]
async fn ready_says_what_is_missing_and_alive_does_not_care() {
    let readiness = Readiness::new();
    let database = readiness.condition("database");
    let broker = readiness.condition("broker");
    broker.set(true);
    let address = start(&readiness);

    let unready = fetch(address, "/readyz").await;
    assert_eq!(unready.status, 503);
    assert_eq!(unready.json()["missing"], serde_json::json!(["database"]));
    assert_eq!(fetch(address, "/livez").await.status, 200);

    database.set(true);
    let ready = fetch(address, "/readyz").await;
    assert_eq!(ready.status, 200, "{ready:?}");
    assert_eq!(ready.json()["ready"], true);

    readiness.stop();
    let stopping = fetch(address, "/readyz").await;
    assert_eq!(stopping.status, 503);
    assert_eq!(stopping.json()["missing"], serde_json::json!(["not_stopping"]));
    assert_eq!(fetch(address, "/livez").await.status, 200);
}

#[utoipa::path(params(("secret" = String, Path)))]
#[get("/postback/{secret}")]
async fn postback() -> &'static str {
    "taken"
}

#[tokio::test]
async fn metrics_count_by_pattern_and_never_by_path() {
    let server = serve(|config| {
        config.service(postback);
    });
    fetch(server.address, "/postback/metric-canary?q=metric-canary").await;
    fetch(server.address, "/metric-canary").await;
    super::harness::call(server.address, "METRIC-CANARY /x", &[]).await;

    let metrics = fetch(start(&Readiness::new()), "/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.body.contains(r#"http_route="/postback/{secret}""#), "{}", metrics.body);
    assert!(metrics.body.contains(r#"http_route="unmatched""#));
    assert!(metrics.body.contains(r#"http_request_method="_OTHER""#));
    assert!(!metrics.body.to_lowercase().contains("canary"), "{}", metrics.body);
}
