//! Examples of whole bodies, put together from the examples of their schemas.
//!
//! A schema says an example of itself once; every operation that answers it, a list of it or a body around it shows that
//! one. What can not be put together is left out: a missing example is better than one that was made up.

use serde_json::{Map, Value, json};

/// Schemas inside schemas at most: one that holds itself ends here.
const DEPTH_MAX: usize = 12;

/// Gives the bodies of an operation the examples they lack.
pub(super) fn complete(operation: &mut Value, schemas: &Value) {
    let request = operation.get_mut("requestBody").into_iter();
    request.for_each(|body| complete_content(body, schemas));
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    for (status, response) in responses.into_iter().flatten() {
        if status.starts_with('2') {
            complete_content(response, schemas);
        }
    }
}

fn complete_content(body: &mut Value, schemas: &Value) {
    let content = body.get_mut("content").and_then(Value::as_object_mut);
    for media in content.into_iter().flatten().filter_map(|(_, media)| media.as_object_mut()) {
        if media.contains_key("example") || media.contains_key("examples") {
            continue;
        }
        let example = media.get("schema").and_then(|schema| example(schema, schemas, DEPTH_MAX));
        if let Some(example) = example {
            media.insert("example".to_owned(), example);
        }
    }
}

/// An example of a schema: its own, or one made of those of its parts.
fn example(schema: &Value, schemas: &Value, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    if let Some(own) = schema.get("example").or_else(|| schema.pointer("/examples/0")) {
        return Some(own.clone());
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let referred = schemas.get(name.strip_prefix("#/components/schemas/")?)?;
        return example(referred, schemas, depth);
    }
    if let Some(only) = schema.get("const").or_else(|| schema.pointer("/enum/0")) {
        return Some(only.clone());
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let mut whole = Map::new();
        for part in parts {
            whole.extend(example(part, schemas, depth)?.as_object()?.clone());
        }
        return Some(Value::Object(whole));
    }
    if let Some(choices) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
        let mut examples = choices.iter().filter_map(|choice| example(choice, schemas, depth));
        return examples
            .find(|example| !example.is_null())
            .or_else(|| may_be(schema, "null").then_some(Value::Null));
    }
    if may_be(schema, "object") {
        return object(schema, schemas, depth);
    }
    if may_be(schema, "array") {
        let item = schema.get("items").and_then(|items| example(items, schemas, depth))?;
        return Some(json!([item]));
    }
    may_be(schema, "null").then_some(Value::Null)
}

fn object(schema: &Value, schemas: &Value, depth: usize) -> Option<Value> {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|one| one.as_str() == Some(name)));
    let mut whole = Map::new();
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        match example(property, schemas, depth) {
            Some(part) => {
                whole.insert(name.clone(), part);
            }
            None if is_required(name) => return None,
            None => {}
        }
    }
    Some(Value::Object(whole))
}

fn may_be(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(kind)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn of(schema: &Value) -> Option<Value> {
        let schemas = json!({
            "Offer": { "example": { "name": "Golfin iOS" } },
            "Share": { "type": "object", "required": ["link"], "properties": { "link": { "type": "string", "example": "x" } } },
            "Loop": { "type": "object", "required": ["next"], "properties": { "next": { "$ref": "#/components/schemas/Loop" } } },
        });
        example(schema, &schemas, DEPTH_MAX)
    }

    #[rstest]
    #[case(json!({ "$ref": "#/components/schemas/Offer" }), json!({ "name": "Golfin iOS" }))]
    #[case(json!({ "type": "array", "items": { "$ref": "#/components/schemas/Share" } }), json!([{ "link": "x" }]))]
    #[case(
        json!({ "allOf": [{ "$ref": "#/components/schemas/Offer" }, { "$ref": "#/components/schemas/Share" }] }),
        json!({ "name": "Golfin iOS", "link": "x" })
    )]
    #[case(json!({ "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Offer" }] }), json!({ "name": "Golfin iOS" }))]
    #[case(json!({ "type": ["string", "null"] }), Value::Null)]
    fn a_whole_is_made_of_its_parts(#[case] schema: Value, #[case] made: Value) {
        assert_eq!(of(&schema), Some(made));
    }

    #[rstest]
    #[case(json!({ "type": "string" }))]
    #[case(json!({ "type": "object", "required": ["a"], "properties": { "a": { "type": "integer" } } }))]
    #[case(json!({ "$ref": "#/components/schemas/Loop" }))]
    fn nothing_is_made_up(#[case] schema: Value) {
        assert_eq!(of(&schema), None);
    }
}
