//! Services' documents look alike, and nothing in them leads nowhere.

use actix_web::{get, web};
use http_kit::{
    Json, ListBody, Page, Problem,
    auth::Caller,
    openapi::{About, document},
};
use serde::Serialize;
use serde_json::Value;
use utoipa_actix_web::{scope, service_config::ServiceConfig};

#[derive(Serialize, utoipa::ToSchema)]
struct Offer {
    name: String,
}

/// The offers
///
/// What sells.
#[utoipa::path(params(Page), security(("apiToken" = ["read"])), responses((status = 200, body = ListBody<Offer>)))]
#[get("/offers")]
async fn list_offers(_caller: Caller, page: Page) -> Result<Json<ListBody<Offer>>, Problem> {
    Ok(Json(page.of(vec![], 0)))
}

#[utoipa::path(params(("id" = u64, Path)), responses((status = 200, body = Offer), (status = "default", description = "own words")))]
#[get("/open/{id}")]
async fn read_open(_: web::Path<u64>) -> &'static str {
    "open"
}

fn routes(config: &mut ServiceConfig<'_>) {
    config.service(scope("/api/v1").service(list_offers).service(read_open));
}

fn described() -> Value {
    document(&About::new("GoKart test", "1.2.3", "For the test."), routes).unwrap()
}

#[test]
fn secured_operations_say_how_they_fail() {
    let document = described();
    let responses = &document["paths"]["/api/v1/offers"]["get"]["responses"];
    for status in ["401", "403", "default"] {
        let schema = &responses[status]["content"]["application/problem+json"]["schema"]["$ref"];
        assert_eq!(schema, "#/components/schemas/Problem", "{status} in {responses}");
    }
    let open = &document["paths"]["/api/v1/open/{id}"]["get"]["responses"];
    assert_eq!(open["default"]["description"], "own words");
    assert!(open["401"].is_null());
}

#[test]
fn an_operation_with_a_door_says_who_passes() {
    let document = described();
    let read = &document["paths"]["/api/v1/offers"]["get"];
    assert_eq!(read["security"], serde_json::json!([{ "apiToken": ["read"] }]));
    assert_eq!(read["x-roles"], serde_json::json!(["owner", "manager", "analyst"]));
    assert_eq!(read["x-scope"], "read");
    let sentence = "For tokens of owners, managers and analysts with the scope `read`.";
    assert_eq!(read["description"], format!("What sells.\n\n{sentence}"));
    let open = &document["paths"]["/api/v1/open/{id}"]["get"];
    assert!(open["x-roles"].is_null() && open["description"].is_null());
}

#[test]
fn pages_are_documented_with_their_ranges() {
    let document = described();
    let parameters = &document["paths"]["/api/v1/offers"]["get"]["parameters"];
    assert_eq!(parameters[0]["name"], "page");
    assert_eq!(parameters[1]["name"], "page_size");
    assert_eq!(parameters[1]["in"], "query");
    assert_eq!(parameters[1]["required"], false);
    assert_eq!(parameters[1]["schema"]["maximum"], 100);
}

#[test]
fn every_reference_leads_somewhere() {
    let document = described();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere in {document:#}");
    }
    for scheme in ["apiToken", "operatorToken"] {
        assert!(document["components"]["securitySchemes"][scheme].is_object());
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                references.push(reference.clone());
            }
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
