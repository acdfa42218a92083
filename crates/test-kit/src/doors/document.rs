//! What the walk reads off the document.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use super::ids::looks_like_an_id;

/// Schemas inside schemas at most.
const DEPTH_MAX: usize = 12;

/// Who may call an operation, as the document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a token.
    Everybody,
    /// Whoever holds the operator's token.
    Operator,
    /// API tokens of these roles that hold this scope.
    Tokens {
        /// Such as `owner`.
        roles: Vec<String>,
        /// Such as `read`.
        scope: String,
    },
}

/// One operation of the document.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its method.
    pub method: Method,
    /// Its path with `{parameters}`.
    pub path: String,
    /// Who may call it.
    pub access: Access,
    pub(super) path_parameters: Vec<String>,
    pub(super) query_parameters: Vec<String>,
    pub(super) body: Option<Body>,
}

/// What it takes as JSON.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) example: Value,
    /// Where ids stand in it: names of fields, `0` for the first of an array.
    pub(super) ids: BTreeSet<Vec<String>>,
}

impl Operation {
    /// Such as `GET /api/v1/offers`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A service's operations.
#[derive(Debug, Clone)]
pub struct Api {
    /// In the order of the document.
    pub operations: Vec<Operation>,
}

impl Api {
    /// Reads a document, as `print-openapi` prints it.
    ///
    /// # Panics
    /// When an operation does not say who may call it.
    #[must_use]
    pub fn of(document: &str) -> Self {
        let document: Value = serde_json::from_str(document).expect("the document is JSON");
        let schemas = &document["components"]["schemas"];
        let paths = document["paths"].as_object().expect("the document has paths");
        let operations = paths.iter().flat_map(|(path, item)| {
            let operations = item.as_object().into_iter().flatten();
            operations.filter_map(move |(method, operation)| {
                let method = method.to_uppercase().parse().ok()?;
                operation.get("responses").map(|_| read(method, path, operation, schemas))
            })
        });
        Self { operations: operations.collect() }
    }

    /// The names of the operations that everybody may call.
    #[must_use]
    pub fn public(&self) -> Vec<String> {
        let public = self.operations.iter().filter(|operation| operation.access == Access::Everybody);
        public.map(Operation::name).collect()
    }
}

fn read(method: Method, path: &str, operation: &Value, schemas: &Value) -> Operation {
    let parameters = |place: &str| {
        let all = operation["parameters"].as_array().into_iter().flatten();
        let here = all.filter(|parameter| parameter["in"] == place);
        here.map(|parameter| parameter["name"].as_str().expect("a parameter has a name").to_owned()).collect()
    };
    Operation {
        access: access(operation).unwrap_or_else(|| panic!("{method} {path} does not say who may call it")),
        method,
        path: path.to_owned(),
        path_parameters: parameters("path"),
        query_parameters: parameters("query"),
        body: body(operation, schemas),
    }
}

fn access(operation: &Value) -> Option<Access> {
    let [requirement] = operation.get("security")?.as_array()?.as_slice() else { return None };
    let requirement = requirement.as_object()?;
    if requirement.is_empty() {
        return Some(Access::Everybody);
    }
    if requirement.contains_key("operatorToken") {
        return Some(Access::Operator);
    }
    let roles = operation.get("x-roles")?.as_array()?;
    let roles = roles.iter().map(|role| role.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    Some(Access::Tokens { roles, scope: operation.get("x-scope")?.as_str()?.to_owned() })
}

fn body(operation: &Value, schemas: &Value) -> Option<Body> {
    let media = operation.pointer("/requestBody/content/application~1json")?;
    let mut ids = BTreeSet::new();
    collect_ids(&media["schema"], schemas, &[], DEPTH_MAX, &mut ids);
    let first = media.pointer("/examples").and_then(Value::as_object).and_then(|all| all.values().next());
    let own = media.get("example").or_else(|| first.and_then(|one| one.get("value")));
    let example = own.or_else(|| example(&media["schema"], schemas)).cloned();
    Some(Body { example: example.unwrap_or_else(|| serde_json::json!({})), ids })
}

fn example<'a>(schema: &'a Value, schemas: &'a Value) -> Option<&'a Value> {
    let own = schema.get("example").or_else(|| schema.pointer("/examples/0"));
    own.or_else(|| parts(schema, schemas).into_iter().find_map(|part| example(part, schemas)))
}

/// What a schema refers to or is put together of.
fn parts<'a>(schema: &'a Value, schemas: &'a Value) -> Vec<&'a Value> {
    let name = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next());
    let several = ["allOf", "oneOf", "anyOf"].iter().filter_map(|kind| schema[*kind].as_array()).flatten();
    several.chain(name.map(|name| &schemas[name])).collect()
}

fn collect_ids(
    schema: &Value,
    schemas: &Value,
    at: &[String],
    depth: usize,
    found: &mut BTreeSet<Vec<String>>,
) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let deeper = |step: &str| [at, &[step.to_owned()]].concat();
    for part in parts(schema, schemas) {
        collect_ids(part, schemas, at, depth, found);
    }
    if schema["items"].is_object() {
        collect_ids(&schema["items"], schemas, &deeper("0"), depth, found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if !looks_like_an_id(name) {
            collect_ids(property, schemas, &deeper(name), depth, found);
        } else if property["items"].is_object() {
            found.insert([deeper(name), vec!["0".to_owned()]].concat());
        } else {
            found.insert(deeper(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(operation: &Value) -> String {
        let share = json!({ "properties": { "publisherIds": { "type": ["array", "null"], "items": { "type": "string" } } } });
        let body = json!({
            "example": { "name": "Golfin" },
            "properties": {
                "advertiserId": { "type": "string" },
                "shares": { "type": "array", "items": { "$ref": "#/components/schemas/Share" } },
                "idle": { "type": "boolean" }
            }
        });
        let schemas = json!({ "Share": share, "Body": { "oneOf": [{ "type": "null" }, body] } });
        json!({ "paths": { "/offers/{offer_id}": { "put": operation } }, "components": { "schemas": schemas } }).to_string()
    }

    #[test]
    fn an_operation_is_read() {
        let operation = json!({
            "responses": {}, "security": [{ "apiToken": ["write"] }], "x-roles": ["owner"], "x-scope": "write",
            "parameters": [{ "name": "offer_id", "in": "path" }, { "name": "dry", "in": "query" }],
            "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Body" } } } }
        });
        let api = Api::of(&document(&operation));
        let [put] = api.operations.as_slice() else { panic!("{api:?}") };
        assert_eq!(put.name(), "PUT /offers/{offer_id}");
        assert_eq!(put.access, Access::Tokens { roles: vec!["owner".to_owned()], scope: "write".to_owned() });
        assert_eq!(
            (put.path_parameters.as_slice(), put.query_parameters.as_slice()),
            (&["offer_id".to_owned()][..], &["dry".to_owned()][..])
        );
        let body = put.body.as_ref().unwrap();
        assert_eq!(body.example, json!({ "name": "Golfin" }));
        let ids: Vec<_> = body.ids.iter().map(|steps| steps.join("/")).collect();
        assert_eq!(ids, ["advertiserId", "shares/0/publisherIds/0"]);
    }

    #[test]
    #[should_panic(expected = "PUT /offers/{offer_id} does not say who may call it")]
    fn an_operation_without_a_door_is_found() {
        drop(Api::of(&document(&json!({ "responses": {}, "security": [{ "apiToken": [] }] }))));
    }
}
