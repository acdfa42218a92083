//! An example against its schema: by a validator of JSON Schema, and for members that the schema does not know, which it
//! lets pass.

use serde_json::{Map, Value, json};

/// Schemas inside schemas at most.
const DEPTH_MAX: usize = 32;

/// The schemas of a document.
pub(super) struct Schemas<'a> {
    all: Option<&'a Map<String, Value>>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(document: &'a Value) -> Self {
        Self { all: document.pointer("/components/schemas").and_then(Value::as_object) }
    }

    /// What is wrong with an example.
    pub(super) fn faults(&self, schema: &Value, example: &Value) -> Vec<String> {
        // References of the document lead into it, so it is around the schema.
        let whole = json!({ "allOf": [schema], "components": { "schemas": self.all } });
        let validator = match jsonschema::draft202012::options().should_validate_formats(true).build(&whole) {
            Ok(validator) => validator,
            Err(error) => return vec![format!("its schema is none: {error}")],
        };
        let wrong =
            validator.iter_errors(example).map(|error| format!("{error}, at `{}`", error.instance_path()));
        let mut faults: Vec<String> = wrong.collect();
        self.strays(schema, example, "", &mut faults);
        faults
    }

    /// Members that no schema knows: a misspelt one, or one that is gone.
    fn strays(&self, schema: &Value, example: &Value, place: &str, faults: &mut Vec<String>) {
        match example {
            Value::Object(object) => {
                let Some(known) = self.known(schema, DEPTH_MAX) else { return };
                for (name, value) in object {
                    let place = format!("{place}/{name}");
                    match known.get(name) {
                        Some(inner) => self.strays(inner, value, &place, faults),
                        None => faults.push(format!("{place} is not in the schema")),
                    }
                }
            }
            Value::Array(values) => {
                let Some(items) = self.items(schema, DEPTH_MAX) else { return };
                for (at, value) in values.iter().enumerate() {
                    self.strays(&items, value, &format!("{place}/{at}"), faults);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// The properties of an object's schema with all its parts and choices; `None` when it takes any.
    fn known(&self, schema: &Value, depth: usize) -> Option<Map<String, Value>> {
        let depth = depth.checked_sub(1)?;
        if let Some(referred) = self.referred(schema) {
            return self.known(referred, depth);
        }
        let mut known = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut parts = parts(schema).peekable();
        if known.is_empty() && parts.peek().is_none() {
            return None;
        }
        for part in parts.filter(|part| {
            part.get("type") != Some(&json!("null")) && part.get("type") != Some(&json!("string"))
        }) {
            known.extend(self.known(part, depth)?);
        }
        Some(known)
    }

    fn items(&self, schema: &Value, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        if let Some(referred) = self.referred(schema) {
            return self.items(referred, depth);
        }
        schema.get("items").cloned().or_else(|| parts(schema).find_map(|part| self.items(part, depth)))
    }

    fn referred(&self, schema: &Value) -> Option<&'a Value> {
        let name = schema.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/")?;
        self.all?.get(name)
    }
}

fn parts(schema: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["allOf", "oneOf", "anyOf"].into_iter();
    lists.filter_map(|several| schema.get(several)?.as_array()).flatten()
}
