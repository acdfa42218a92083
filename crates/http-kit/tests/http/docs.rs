//! The API's document and its page, as they come over the wire.

use std::{collections::BTreeSet, sync::Arc};

use actix_web::{get, post, web};
use http_kit::{
    Json, ListBody, Page, Problem, Server,
    auth::{AuthSettings, Caller, Grant, TokenAuth},
    openapi::{About, Parameter},
};
use kernel::{Clock, Principal, Role, Scopes, TenantId, Timestamp, TokenId};
use process::Supervisor;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use test_kit::faults_of_document;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::harness::{Running, Wire, call, get, raw, serve, small};

/// An offer.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[schema(example = json!({ "name": "Golfin iOS" }))]
struct Offer {
    /// What partners see: "<b>Golfin</b>" stays text.
    name: String,
}

/// Offers
#[utoipa::path(
    tag = "Offers",
    params(Page),
    security(("apiToken" = ["read"])),
    responses((status = 200, description = "A page of them.", body = ListBody<Offer>)),
)]
#[get("/offers")]
async fn list_offers(_caller: Caller, page: Page) -> Result<Json<ListBody<Offer>>, Problem> {
    Ok(Json(page.of(vec![], 0)))
}

/// Change an offer
///
/// Replaces what `Offers` shows.
#[utoipa::path(
    tag = "Offers",
    params(("offer_id" = Uuid, Path)),
    security(("apiToken" = ["write"])),
    request_body = Offer,
    responses((status = 200, description = "The offer.", body = Offer)),
)]
#[post("/offers/{offer_id}")]
async fn change_offer(
    caller: Caller,
    _: web::Path<Uuid>,
    _offer: Json<Offer>,
) -> Result<Json<Offer>, Problem> {
    caller.require_write()?;
    Err(Problem::not_found("offer"))
}

const ABOUT: About = About {
    tags: &[("Offers", "What is offered.")],
    parameters: &[Parameter {
        name: "offer_id",
        description: "The offer.",
        example: "0198c7a2-5b1e-7c4e-9d5a-0f4b8a3c2d1e",
        names: "offer",
    }],
    ..About::new("GoKart test", "1.2.3", "For the <test>.")
};

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_000_000)
    }
}

fn grant(role: Role) -> Grant {
    let principal = Principal {
        tenant: TenantId::from_uuid(Uuid::from_u128(7)),
        token: TokenId::from_uuid(Uuid::from_u128(8)),
        role,
        publisher: None,
        scopes: Scopes::FULL,
    };
    Grant { principal, expires_at: None }
}

/// Knows a manager and an analyst; asked about `away`, the store is.
fn routes(config: &mut ServiceConfig<'_>) {
    let pepper = SecretString::from("pepper");
    let hash = |token: &str| signing::token::hash(&pepper, token);
    let known = [(hash("manager"), grant(Role::Manager)), (hash("analyst"), grant(Role::Analyst))];
    let away = hash("away");
    let settings = AuthSettings { token_pepper: pepper.clone(), cache_ms: 0 };
    let auth = TokenAuth::new(&settings, Arc::new(Stopped), move |hash| {
        let found = known.iter().find(|(known, _)| *known == hash).map(|(_, grant)| *grant);
        async move { if hash == away { Err("away".into()) } else { Ok(found) } }
    });
    config.app_data(web::Data::new(auth)).service(list_offers).service(change_offer);
}

fn documented() -> Running {
    let supervisor = Supervisor::new();
    let address = Server::new("test", &small()).documented(ABOUT).listen(&supervisor, routes).unwrap();
    Running { address, supervisor }
}

async fn send(running: &Running, target: &str, token: &str, content_type: &str, body: &str) -> Wire {
    let length = body.len();
    let request = format!(
        "POST {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    raw(running.address, request.as_bytes()).await
}

#[tokio::test]
async fn the_document_is_served_and_leaves_nothing_open() {
    let running = documented();
    let answer = get(running.address, "/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let faults = faults_of_document(&answer.json());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Every error that the document has by rule is provoked, and its body is the one that is shown.
#[tokio::test]
async fn errors_are_answered_as_the_document_shows_them() {
    let running = documented();
    let document = get(running.address, "/openapi.json").await.json();
    let responses = &document["paths"]["/offers/{offer_id}"]["post"]["responses"];
    let offer = "/offers/0198c7a2-5b1e-7c4e-9d5a-0f4b8a3c2d1e";
    let (json, good) = ("application/json", r#"{"name":"Golfin iOS"}"#);
    let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(3_000));
    let mut seen = BTreeSet::from(["200".to_owned(), "default".to_owned()]);
    for (target, token, content_type, body) in [
        ("/offers/12", "manager", json, good),
        (offer, "manager", json, r#"{"name": "#),
        (offer, "nobody", json, good),
        (offer, "analyst", json, good),
        (offer, "manager", json, good),
        (offer, "manager", json, large.as_str()),
        (offer, "manager", "text/plain", good),
        (offer, "manager", json, "{}"),
        (offer, "away", json, good),
    ] {
        let answer = send(&running, target, token, content_type, body).await;
        let (status, said) = (answer.status.to_string(), answer.json());
        let code = said["code"].as_str().unwrap();
        let shown = &responses[&status]["content"]["application/problem+json"]["examples"][code]["value"];
        assert_eq!(shown["title"], said["title"], "{status} {code} is not in {responses:#}");
        if !matches!(code, "body_too_large" | "malformed_json") {
            assert_eq!((&shown["detail"], &shown["errors"]), (&said["detail"], &said["errors"]), "{code}");
        }
        assert_eq!(answer.header("retry-after").is_some(), status == "503", "{status}");
        seen.insert(status);
    }
    let documented: BTreeSet<String> = responses.as_object().unwrap().keys().cloned().collect();
    assert_eq!(seen, documented, "what is documented is answered, and what is answered is documented");

    let of_lists = &document["paths"]["/offers"]["get"]["responses"]["400"]["content"];
    let shown = &of_lists["application/problem+json"]["examples"]["invalid_query"]["value"];
    let said =
        call(running.address, "GET /offers?page_size=500", &["authorization: Bearer manager"]).await.json();
    assert_eq!(shown["errors"], said["errors"]);
}

#[tokio::test]
async fn the_page_needs_nothing_else_and_says_everything() {
    let running = documented();
    let page = get(running.address, "/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));

    let html = &page.body;
    for part in [
        "<h1>GoKart test API</h1>",
        "For the &lt;test&gt;.",
        "id=\"list_offers\"",
        "id=\"change_offer\"",
        "<code>/offers/{offer_id}</code>",
        "Replaces what <code>Offers</code> shows.",
        "href=\"#schema-Offer\"",
        "id=\"schema-Offer\"",
        "&quot;&lt;b&gt;Golfin&lt;/b&gt;&quot; stays text.",
        "malformed_json",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    for foreign in ["<script", " src=", "http://", "https://", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign} would be loaded from elsewhere, or run");
    }
    // Whatever is linked is on the page.
    for link in html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(html.contains(&format!("id=\"{link}\"")), "#{link} leads nowhere");
    }
}

#[tokio::test]
async fn who_has_it_gets_304_and_other_methods_405() {
    let running = documented();
    for path in ["/docs", "/openapi.json"] {
        let first = get(running.address, path).await;
        let etag = format!("if-none-match: {}", first.header("etag").unwrap());
        let again = call(running.address, &format!("GET {path}"), &[&etag]).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""));
        let other = call(running.address, &format!("GET {path}"), &["if-none-match: \"other\""]).await;
        assert_eq!((other.status, &other.body), (200, &first.body));
        let head = call(running.address, &format!("HEAD {path}"), &[]).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        let wrong = call(running.address, &format!("DELETE {path}"), &[]).await;
        assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD")));
    }
}

/// A door for strangers does not say what is behind it.
#[tokio::test]
async fn who_does_not_ask_for_them_has_neither() {
    let running = serve(routes);
    for path in ["/docs", "/openapi.json"] {
        let answer: Value = get(running.address, path).await.json();
        assert_eq!(answer["status"], 404, "{path}");
    }
}
