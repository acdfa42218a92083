//! Schemas: their names in a line, and all of them as tables at the end of the page.

use maud::{Markup, html};
use serde_json::Value;

use super::prose::{paragraphs, sentence};

/// A text member of a value; empty when it is not there.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The members of an object.
pub(super) fn members<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(name).and_then(Value::as_object).into_iter().flatten()
}

/// The items of a list.
pub(super) fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// JSON as people read it.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// What a value of a schema is, in a line, with links.
pub(super) fn kind(schema: &Value) -> Markup {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return html! { a href={ "#schema-" (name) } { (name) } };
    }
    let choices: Vec<&Value> =
        ["oneOf", "anyOf", "allOf"].iter().flat_map(|several| items(schema, several)).collect();
    if !choices.is_empty() {
        return html! {
            @for (at, choice) in choices.iter().enumerate() {
                @if at > 0 { @if schema.get("allOf").is_some() { " and " } @else { " or " } }
                (kind(choice))
            }
        };
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    html! {
        @for (at, one) in types.iter().enumerate() {
            @if at > 0 { " or " }
            @if *one == "array" {
                "list of " (schema.get("items").map_or_else(|| html! { "anything" }, kind))
            } @else { (one) }
        }
        @if types.is_empty() { "anything" }
        @if let Some(format) = schema.get("format").and_then(Value::as_str) { " (" (format) ")" }
        (bounds(schema))
    }
}

fn bounds(schema: &Value) -> Markup {
    let words: Vec<&str> = items(schema, "enum").filter_map(Value::as_str).collect();
    html! {
        @match (schema.get("minimum"), schema.get("maximum")) {
            (Some(least), Some(most)) => { ", " (least) " to " (most) }
            (Some(least), None) => { ", from " (least) }
            (None, Some(most)) => { ", up to " (most) }
            (None, None) => {}
        }
        @if let Some(otherwise) = schema.get("default").filter(|value| !value.is_null()) {
            ", else " code { (plain(otherwise)) }
        }
        @if !words.is_empty() {
            ": "
            @for (at, word) in words.iter().enumerate() { @if at > 0 { ", " } code { (word) } }
        }
    }
}

/// A value in a line: texts without their quotes.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// All schemas, each with an anchor.
pub(super) fn all(document: &Value) -> Markup {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    html! {
        @for (name, schema) in schemas.into_iter().flatten() {
            article id={ "schema-" (name) } {
                h3 { (name) }
                (paragraphs(text(schema, "description")))
                (parts(schema))
                @if let Some(example) = schema.get("example") {
                    details { summary { "Example" } pre { code { (pretty(example)) } } }
                }
            }
        }
    }
}

/// What a schema is made of: other schemas, and properties.
fn parts(schema: &Value) -> Markup {
    let whole: Vec<&Value> = items(schema, "allOf").collect();
    html! {
        @for part in &whole {
            @if part.get("$ref").is_some() { p { "Everything of " (kind(part)) ", and:" } }
            @else { (parts(part)) }
        }
        @if schema.get("properties").is_some() { (properties(schema)) }
        @else if whole.is_empty() { p { (kind(schema)) } }
    }
}

fn properties(schema: &Value) -> Markup {
    let is_required = |name: &str| items(schema, "required").any(|one| one.as_str() == Some(name));
    html! {
        table {
            thead { tr { th { "Field" } th { "Is" } th { "Means" } } }
            tbody {
                @for (name, property) in members(schema, "properties") {
                    tr {
                        td { code { (name) } @if is_required(name) { " " span.must { "always" } } }
                        td { (kind(property)) }
                        td {
                            (sentence(text(property, "description")))
                            @if let Some(example) = property.get("example") {
                                " " span.example { "e.g. " code { (plain(example)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!({ "type": ["string", "null"], "format": "uuid" }), "string or null (uuid)")]
    #[case(json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 10 }), "integer, 1 to 100, else <code>10</code>")]
    #[case(
        json!({ "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Money" }] }),
        "null or <a href=\"#schema-Money\">Money</a>"
    )]
    #[case(
        json!({ "type": "array", "items": { "$ref": "#/components/schemas/Money" } }),
        "list of <a href=\"#schema-Money\">Money</a>"
    )]
    #[case(json!({ "type": "string", "enum": ["a", "b"] }), "string: <code>a</code>, <code>b</code>")]
    fn a_kind_reads_in_a_line(#[case] schema: Value, #[case] shown: &str) {
        assert_eq!(kind(&schema).into_string(), shown);
    }
}
