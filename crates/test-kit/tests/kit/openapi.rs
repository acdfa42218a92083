//! The checker of OpenAPI documents finds what it is there for: each fault in a document that is complete without it.

use serde_json::{Value, json};
use test_kit::faults_of_document;

fn complete() -> Value {
    let problem = |status: u16| {
        let examples = json!({ "some": { "value": { "status": status, "code": "some" } } });
        let content = json!({ "schema": { "$ref": "#/components/schemas/Problem" }, "examples": examples });
        json!({ "description": "An error.", "content": { "application/problem+json": content } })
    };
    let mut unavailable = problem(503);
    unavailable["headers"] = json!({ "Retry-After": { "schema": { "type": "integer" } } });
    json!({
        "tags": [{ "name": "Offers", "description": "What is offered." }],
        "paths": { "/offers/{offer_id}": { "put": {
            "operationId": "change_offer",
            "summary": "Change an offer",
            "tags": ["Offers"],
            "security": [{ "apiToken": [] }],
            "parameters": [
                {
                    "name": "offer_id", "in": "path", "description": "The offer.", "required": true,
                    "schema": { "type": "string", "format": "uuid" }, "example": "0198c7a2-5b1e-7c4e-9d5a-0f4b8a3c2d1e",
                },
                {
                    "name": "If-Match", "in": "header", "description": "What was read.",
                    "schema": { "type": "string" }, "example": "\"3\"",
                },
            ],
            "requestBody": { "required": true, "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/Offer" }, "example": { "name": "Golfin iOS" },
            } } },
            "responses": {
                "200": { "description": "The offer.", "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Offer" }, "example": { "name": "Golfin iOS" },
                } } },
                "400": problem(400), "401": problem(401), "403": problem(403), "404": problem(404), "412": problem(412),
                "413": problem(413), "415": problem(415), "422": problem(422), "503": unavailable, "default": problem(500),
            },
        } } },
        "components": { "schemas": {
            "Offer": {
                "type": "object", "required": ["name"], "example": { "name": "Golfin iOS" },
                "properties": { "name": { "type": "string", "description": "What partners see." } },
            },
            "Problem": { "type": "object", "properties": {
                "status": { "type": "integer", "description": "The status." },
                "code": { "type": "string", "description": "The code." },
            } },
        } },
    })
}

/// Faults of the complete document with one value replaced, or taken away.
fn faults_with(pointer: &str, value: Value) -> Vec<String> {
    let mut document = complete();
    *document.pointer_mut(pointer).unwrap_or_else(|| panic!("there is no {pointer}")) = value;
    faults_of_document(&document)
}

#[test]
fn a_complete_document_has_no_faults() {
    assert_eq!(faults_of_document(&complete()), Vec::<String>::new());
}

#[test]
fn what_is_missing_is_named() {
    let operation = "/paths/~1offers~1{offer_id}/put";
    let cases = [
        ("/operationId", json!(""), "operationId"),
        ("/summary", json!(""), "no summary"),
        ("/tags", json!(["Other"]), "no tag"),
        ("/parameters/0/description", json!(""), "parameter offer_id has no description"),
        ("/parameters/0/example", json!("mine"), "the example of parameter offer_id"),
        (
            "/parameters/1",
            json!({ "name": "x", "in": "header", "description": "X." }),
            "parameter x has no example",
        ),
        ("/requestBody/content/application~1json/example", json!({}), "\"name\" is a required property"),
        (
            "/requestBody/content/application~1json/example",
            json!({ "name": "x", "nmae": 1 }),
            "/nmae is not in the schema",
        ),
        ("/responses/200/content/application~1json/example", json!({ "name": 1 }), "is not of type"),
        ("/responses/200/content/application~1json", json!({ "schema": {} }), "has no example"),
        ("/responses/404/content", json!({}), "answer 404 has no body"),
        ("/responses/404/description", json!(""), "answer 404 has no description"),
        ("/responses/503/headers", json!({}), "no Retry-After"),
    ];
    for (member, value, fault) in cases {
        let faults = faults_with(&format!("{operation}{member}"), value);
        assert!(faults.iter().any(|one| one.contains(fault)), "{member}: {faults:?}");
    }
    let faults = faults_with("/components/schemas/Offer/properties/name/description", json!(""));
    assert_eq!(faults, ["schema Offer: name has no description"]);
    let faults = faults_with("/components/schemas/Offer/example", json!({ "name": 1 }));
    assert!(faults.iter().any(|one| one.contains("schema Offer, example")), "{faults:?}");
    let example = "/responses/404/content/application~1problem+json/examples/some/value/status";
    let faults = faults_with(&format!("{operation}{example}"), json!(409));
    assert!(faults.iter().any(|one| one.contains("is of status 409")), "{faults:?}");
}

#[test]
fn every_error_that_the_rules_ask_for_must_be_there() {
    for status in ["400", "401", "403", "404", "412", "413", "415", "422", "503", "default"] {
        let mut document = complete();
        let responses = document.pointer_mut("/paths/~1offers~1{offer_id}/put/responses").unwrap();
        responses.as_object_mut().unwrap().remove(status);
        let faults = faults_of_document(&document);
        assert_eq!(faults, [format!("PUT /offers/{{offer_id}}: {status} is not documented")]);
    }
}
