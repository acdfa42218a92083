//! Every error leaves as a problem that says what would be right and carries the request's id.

use actix_web::{HttpResponse, error::ErrorBadRequest, get, post, web};
use http_kit::{Json, Page, Problem, Query, RequestId};
use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::harness::{Wire, call, get as fetch, post as send, serve};

#[derive(Deserialize, utoipa::ToSchema)]
#[expect(dead_code, reason = "only reading it matters")]
struct Offer {
    name: String,
    limit: u32,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[expect(dead_code, reason = "only reading it matters")]
struct Filter {
    limit: u32,
}

#[utoipa::path]
#[post("/offers")]
async fn make_offer(_offer: Json<Offer>) -> &'static str {
    "made"
}

#[utoipa::path(params(("id" = Uuid, Path)))]
#[get("/offers/{id}")]
async fn read_offer(_id: web::Path<Uuid>) -> &'static str {
    "read"
}

/// Its path is one that the pattern above takes too.
#[utoipa::path]
#[post("/offers/lint")]
async fn lint_offer() -> &'static str {
    "linted"
}

#[utoipa::path(params(Page, Filter))]
#[get("/offers")]
async fn list_offers(_page: Page, _filter: Query<Filter>) -> &'static str {
    "list"
}

#[utoipa::path]
#[get("/id")]
async fn own_id(id: RequestId) -> String {
    id.to_string()
}

#[utoipa::path]
#[get("/panic")]
async fn panics() -> &'static str {
    panic!("panic-canary")
}

#[utoipa::path]
#[get("/internal")]
async fn fails_inside() -> Result<&'static str, Problem> {
    Err(Problem::internal("cause-canary"))
}

#[utoipa::path]
#[get("/foreign")]
async fn fails_elsewhere() -> Result<&'static str, actix_web::Error> {
    Err(ErrorBadRequest("foreign-canary"))
}

#[utoipa::path]
#[get("/bare")]
async fn bare() -> HttpResponse {
    HttpResponse::Conflict().finish()
}

#[utoipa::path]
#[get("/own")]
async fn own_rendering() -> HttpResponse {
    HttpResponse::BadRequest().body("0")
}

fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(make_offer)
        .service(lint_offer)
        .service(read_offer)
        .service(list_offers)
        .service(own_id)
        .service(panics)
        .service(fails_inside)
        .service(fails_elsewhere)
        .service(bare)
        .service(own_rendering);
}

/// Asserts what all problems have in common and gives back status, code and first field.
fn problem(answer: &Wire) -> (u16, String, String) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let body = answer.json();
    assert_eq!(body["status"], answer.status);
    assert_eq!(body["requestId"], answer.header("x-request-id").unwrap());
    let code = body["code"].as_str().unwrap().to_owned();
    assert_eq!(body["type"], format!("urn:gokart:problem:{code}"));
    let field = body["errors"][0]["field"].as_str().unwrap_or_default().to_owned();
    (answer.status, code, field)
}

fn is(status: u16, code: &str, field: &str) -> (u16, String, String) {
    (status, code.to_owned(), field.to_owned())
}

#[tokio::test]
async fn a_path_that_nobody_serves_is_404() {
    let server = serve(routes);
    assert_eq!(problem(&fetch(server.address, "/nowhere").await), is(404, "not_found", ""));
}

#[tokio::test]
async fn another_method_is_405_and_names_the_right_ones() {
    let server = serve(routes);
    let answer = call(server.address, "DELETE /offers", &[]).await;
    assert_eq!(problem(&answer), is(405, "method_not_allowed", ""));
    assert_eq!(answer.header("allow"), Some("GET, POST"));
}

#[tokio::test]
async fn a_path_of_its_own_is_not_taken_for_a_pattern_by_another_method() {
    let server = serve(routes);
    let answer = fetch(server.address, "/offers/lint").await;
    assert_eq!(problem(&answer), is(405, "method_not_allowed", ""));
    assert_eq!(answer.header("allow"), Some("POST"));
    assert_eq!(call(server.address, "POST /offers/lint", &[]).await.status, 200);
}

#[tokio::test]
async fn a_body_is_refused_by_the_field() {
    let server = serve(routes);
    let json = "application/json";
    for (content_type, body, expected) in [
        (json, "{", is(400, "malformed_json", "")),
        (json, r#"{"name":"a"}"#, is(422, "invalid_body", "limit")),
        (json, r#"{"name":"a","limit":-1}"#, is(422, "invalid_body", "limit")),
        (json, r#"{"name":7,"limit":1}"#, is(422, "invalid_body", "name")),
        ("text/plain", "{}", is(415, "unsupported_media_type", "")),
    ] {
        assert_eq!(problem(&send(server.address, "/offers", content_type, body).await), expected, "{body}");
    }
    let made = send(server.address, "/offers", json, r#"{"name":"a","limit":1}"#).await;
    assert_eq!((made.status, made.body.as_str()), (200, "made"));
}

#[tokio::test]
async fn path_and_query_are_refused_by_the_field() {
    let server = serve(routes);
    for (target, expected) in [
        ("/offers/seven", is(400, "invalid_path", "id")),
        ("/offers", is(400, "invalid_query", "limit")),
        ("/offers?limit=many", is(400, "invalid_query", "limit")),
        ("/offers?limit=1&page_size=1000", is(400, "invalid_query", "page_size")),
    ] {
        assert_eq!(problem(&fetch(server.address, target).await), expected, "{target}");
    }
}

#[tokio::test]
async fn a_panic_is_500_without_its_text_and_harms_nobody_else() {
    let server = serve(routes);
    let answer = fetch(server.address, "/panic").await;
    assert_eq!(problem(&answer), is(500, "internal", ""));
    assert!(!answer.body.contains("canary"));
    assert_eq!(fetch(server.address, "/id").await.status, 200);
}

#[tokio::test]
async fn causes_and_foreign_texts_stay_inside() {
    let server = serve(routes);
    let internal = fetch(server.address, "/internal").await;
    assert_eq!(problem(&internal), is(500, "internal", ""));
    let foreign = fetch(server.address, "/foreign").await;
    assert_eq!(problem(&foreign), is(400, "bad_request", ""));
    assert!(!internal.body.contains("canary") && !foreign.body.contains("canary"));
}

#[tokio::test]
async fn a_bare_status_becomes_a_problem_and_a_rendered_answer_stays() {
    let server = serve(routes);
    assert_eq!(problem(&fetch(server.address, "/bare").await), is(409, "conflict", ""));
    let own = fetch(server.address, "/own").await;
    assert_eq!((own.status, own.body.as_str()), (400, "0"));
    assert!(own.header("x-request-id").is_some());
}

#[tokio::test]
async fn the_request_id_is_ours_and_the_same_everywhere() {
    let server = serve(routes);
    let forged = "0190d000-0000-7000-8000-000000000000";
    let answer = call(server.address, "GET /id", &[&format!("x-request-id: {forged}")]).await;
    let id = answer.header("x-request-id").unwrap();
    assert_eq!(answer.body, id);
    assert_ne!(id, forged);
    assert_eq!(id.parse::<Uuid>().unwrap().get_version_num(), 7);
    assert_ne!(fetch(server.address, "/id").await.body, answer.body);
}
