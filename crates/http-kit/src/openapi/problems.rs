//! The errors of an operation, by rule: what it takes says how it can fail.
//!
//! | answers | when it takes |
//! |---|---|
//! | 400 | a part of the path that is no free text, a query, one of the headers with a form of its own, a body |
//! | 401, 503 | a token |
//! | 403 | an API token: roles and scopes |
//! | 404 | a parameter in the path |
//! | 409, 422 | `Idempotency-Key` |
//! | 412 | `If-Match` |
//! | 413, 422 | a body |
//! | 415 | a JSON body that must be there |
//!
//! The examples are the very problems that are answered, made by the code that answers them.

use actix_web::http::StatusCode;
use serde::{
    Deserialize as _,
    de::{
        IntoDeserializer as _,
        value::{Error as ValueError, StrDeserializer},
    },
};
use serde_json::{Map, Value, json};
use utoipa::ToSchema as _;
use uuid::Uuid;

use super::{
    Parameter, Said,
    about::Place,
    facts::{Body, Facts},
};
use crate::{
    auth::{self, Door},
    connection, extractors,
    http_settings::HttpSettings,
    json as bodies,
    page::Page,
    problem::{PROBLEM_JSON, Problem, ProblemBody},
    query,
};

/// In examples.
const REQUEST_ID: &str = "0198c7a2-61d3-7f0b-8e44-2c9a7b1d5e60";
/// Headers whose text can be wrong.
const FORMED_HEADERS: [&str; 2] = ["If-Match", "Idempotency-Key"];

struct Rule {
    status: &'static str,
    text: String,
    examples: Vec<Problem>,
}

/// Adds what follows from the rules, and examples to whatever is documented.
pub(super) fn complete(
    path: &str,
    operation: &mut Value,
    schemas: &Value,
    parameters: &[Parameter],
    said: &[Said],
) {
    let facts = Facts::of(operation, schemas);
    let mut rules = vec![any_other()];
    if facts.is_secured() {
        rules.extend(of_callers(&facts));
        rules.extend(of_request(&facts));
        rules.extend(of_state(path, &facts, parameters));
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for rule in rules {
        let response =
            responses.entry(rule.status).or_insert_with(|| json!({ "description": rule.text.as_str() }));
        add_examples(response, &rule.examples, Wins::WhatIsThere);
    }
    for (status, response) in responses.iter_mut().filter(|(status, _)| status.starts_with(['4', '5'])) {
        let own = said.iter().filter(|said| {
            let answered = match said.at {
                Place::Operation(id) => id == facts.id,
                Place::Header(name) => facts.takes_header(name),
            };
            answered && said.problem.status().as_str() == status
        });
        add_examples(response, &own.map(|said| said.problem.clone()).collect::<Vec<_>>(), Wins::TheNew);
        if matches!(status.as_str(), "429" | "503") {
            add_retry_after(response);
        }
    }
}

fn any_other() -> Rule {
    Rule {
        status: "default",
        text: "Any other error, in the same form, such as 405, 408, 414 or 500.".to_owned(),
        examples: vec![Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)],
    }
}

fn of_callers(facts: &Facts) -> Vec<Rule> {
    let mut rules = vec![
        Rule {
            status: "401",
            text: "No token, or one that is unknown, expired or revoked.".to_owned(),
            examples: vec![auth::refused()],
        },
        Rule {
            status: "503",
            text: "Something that the service needs, such as its database, is away. Send it again."
                .to_owned(),
            examples: vec![auth::unavailable()],
        },
    ];
    if facts.for_tokens {
        rules.push(Rule {
            status: "403",
            text: "The token's role or scopes do not allow this.".to_owned(),
            examples: vec![
                facts
                    .door
                    .and_then(Door::refusal)
                    .unwrap_or_else(|| Problem::forbidden("the token's role or scopes do not allow this")),
            ],
        });
    }
    rules
}

/// What is wrong with the request itself.
fn of_request(facts: &Facts) -> Vec<Rule> {
    let mut unreadable = Vec::new();
    let mut examples = Vec::new();
    if facts.has_typed_part {
        unreadable.push("a part of the path");
        examples.push(extractors::invalid_path(facts.parts.join(", "), no_uuid()));
    }
    if let Some(first) = facts.query.first() {
        unreadable.push("a query parameter");
        let of_pages = facts.query.iter().any(|name| name == "page");
        examples.push(
            of_pages
                .then(Page::out_of_range)
                .flatten()
                .unwrap_or_else(|| query::invalid(first.as_str(), format!("duplicate field `{first}`"))),
        );
    }
    unreadable.extend(FORMED_HEADERS.iter().copied().filter(|name| facts.takes_header(name)));
    if facts.body != Body::None {
        unreadable.push("the body");
        if facts.body != Body::Other {
            examples.extend(bodies::malformed());
        }
    }
    let mut rules = Vec::new();
    if let Some((last, others)) = unreadable.split_last() {
        let list =
            if others.is_empty() { (*last).to_owned() } else { format!("{} or {last}", others.join(", ")) };
        rules.push(Rule { status: "400", text: capital(&format!("{list} can not be read.")), examples });
    }
    if facts.body != Body::None {
        rules.push(Rule {
            status: "413",
            text: "The body is too large.".to_owned(),
            examples: vec![connection::too_large(HttpSettings::default().body_limit_bytes)],
        });
        rules.push(Rule {
            status: "422",
            text: "Wrong fields, all of them named.".to_owned(),
            examples: (facts.body != Body::Other).then(|| wrong_field(facts)).into_iter().collect(),
        });
    }
    if facts.body == Body::Json {
        rules.push(Rule {
            status: "415",
            text: "The body is not sent as application/json.".to_owned(),
            examples: vec![bodies::not_json()],
        });
    }
    rules
}

/// What is wrong with the moment.
fn of_state(path: &str, facts: &Facts, parameters: &[Parameter]) -> Vec<Rule> {
    let mut rules = Vec::new();
    if path.contains('{') {
        let known = parameters.iter().find(|known| facts.parts.last().is_some_and(|last| last == known.name));
        let what = known.map(|known| known.names).filter(|names| !names.is_empty());
        rules.push(Rule {
            status: "404",
            text: format!("No such {} of this tenant.", what.unwrap_or("thing")),
            examples: what.map(Problem::not_found).into_iter().collect(),
        });
    }
    if facts.takes_header("If-Match") {
        let text = "Somebody else changed it since.".to_owned();
        rules.push(Rule { status: "412", text, examples: Vec::new() });
    }
    if facts.takes_header("Idempotency-Key") {
        let text = "A call with this Idempotency-Key is under way.".to_owned();
        rules.push(Rule { status: "409", text, examples: Vec::new() });
        let text = "The Idempotency-Key was used for another call.".to_owned();
        rules.push(Rule { status: "422", text, examples: Vec::new() });
    }
    rules
}

/// What is said of `12` where an id belongs.
fn no_uuid() -> String {
    let twelve: StrDeserializer<'_, ValueError> = "12".into_deserializer();
    Uuid::deserialize(twelve).map_or_else(|error| error.to_string(), |id| id.to_string())
}

fn wrong_field(facts: &Facts) -> Problem {
    let problem = Problem::invalid(Vec::new());
    match &facts.required_field {
        Some(field) => problem.field(field, "is required"),
        None => problem.field("nmae", "is not a field of this body"),
    }
}

/// Which of two examples of one code is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wins {
    WhatIsThere,
    TheNew,
}

/// A problem's body with each example under its code. A response in another form keeps that.
fn add_examples(response: &mut Value, problems: &[Problem], wins: Wins) {
    let Some(response) = response.as_object_mut() else { return };
    let has_content =
        response.get("content").and_then(Value::as_object).is_some_and(|content| !content.is_empty());
    if !has_content {
        let schema = json!({ "$ref": format!("#/components/schemas/{}", ProblemBody::name()) });
        response.insert("content".to_owned(), json!({ PROBLEM_JSON: { "schema": schema } }));
    }
    let media = response.get_mut("content").and_then(|content| content.get_mut(PROBLEM_JSON));
    let Some(media) = media.and_then(Value::as_object_mut) else { return };
    if problems.is_empty() || media.contains_key("example") {
        return;
    }
    let examples = media.entry("examples").or_insert_with(|| Value::Object(Map::new()));
    for problem in problems {
        if let Some(examples) = examples.as_object_mut() {
            let example = json!({ "summary": problem.code(), "value": problem.example(REQUEST_ID) });
            if wins == Wins::TheNew || !examples.contains_key(problem.code()) {
                examples.insert(problem.code().to_owned(), example);
            }
        }
    }
}

fn add_retry_after(response: &mut Value) {
    let Some(response) = response.as_object_mut() else { return };
    response.entry("headers").or_insert_with(|| {
        json!({ "Retry-After": {
            "description": "Seconds to wait before sending it again.",
            "schema": { "type": "integer", "minimum": 0 },
            "example": 5,
        }})
    });
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
