//! What an operation is, as far as its errors follow from it.

use serde_json::Value;

use super::{API_TOKEN, OPERATOR_TOKEN, doors};
use crate::auth::Door;

/// Read off an operation of the document.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Its id.
    pub id: String,
    /// Takes an API token.
    pub for_tokens: bool,
    /// Which of them pass.
    pub door: Option<Door>,
    /// Takes the operator's token.
    pub for_operator: bool,
    /// The parts of the path that are parameters.
    pub parts: Vec<String>,
    /// Whether one of them is no free text.
    pub has_typed_part: bool,
    /// The query's parameters.
    pub query: Vec<String>,
    /// Headers that are parameters.
    pub headers: Vec<String>,
    /// Its body.
    pub body: Body,
    /// A field that its JSON body must have.
    pub required_field: Option<String>,
}

/// What is sent.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// Nothing.
    #[default]
    None,
    /// JSON that may be left out, so its media type is not looked at.
    OptionalJson,
    /// JSON, and it says so.
    Json,
    /// A file.
    Other,
}

impl Facts {
    pub(super) fn of(operation: &Value, schemas: &Value) -> Self {
        let security = operation.get("security").and_then(Value::as_array);
        let takes = |scheme| security.is_some_and(|any| any.iter().any(|one| one.get(scheme).is_some()));
        let mut facts = Self {
            id: text(operation, "operationId").to_owned(),
            for_tokens: takes(API_TOKEN),
            for_operator: takes(OPERATOR_TOKEN),
            door: doors::door(operation),
            body: body_of(operation),
            required_field: required_field(operation, schemas),
            ..Self::default()
        };
        let parameters = operation.get("parameters").and_then(Value::as_array);
        for parameter in parameters.into_iter().flatten() {
            let name = text(parameter, "name").to_owned();
            match text(parameter, "in") {
                "path" => {
                    facts.has_typed_part |= !is_free_text(parameter.get("schema"));
                    facts.parts.push(name);
                }
                "query" => facts.query.push(name),
                "header" => facts.headers.push(name),
                _ => {}
            }
        }
        facts
    }

    /// Only callers that it knows come in. Doors for strangers have their own manners and say all of them themselves.
    pub(super) fn is_secured(&self) -> bool {
        self.for_tokens || self.for_operator
    }

    pub(super) fn takes_header(&self, name: &str) -> bool {
        self.headers.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

fn body_of(operation: &Value) -> Body {
    let Some(body) = operation.get("requestBody") else { return Body::None };
    let is_json = body.pointer("/content/application~1json").is_some();
    let is_required = body.get("required").and_then(Value::as_bool).unwrap_or_default();
    match (is_json, is_required) {
        (true, true) => Body::Json,
        (true, false) => Body::OptionalJson,
        (false, _) => Body::Other,
    }
}

fn required_field(operation: &Value, schemas: &Value) -> Option<String> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
    let name = text(schema, "$ref").strip_prefix("#/components/schemas/")?;
    let required = schemas.get(name)?.get("required")?.as_array()?;
    required.first()?.as_str().map(str::to_owned)
}

/// Whether every text is one.
fn is_free_text(schema: Option<&Value>) -> bool {
    schema.is_some_and(|schema| text(schema, "type") == "string" && schema.get("format").is_none())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
