//! Whether an OpenAPI document leaves nothing open: everything has its words and an example, examples are what the schemas
//! say, and every error is there that the rules of `http-kit`'s README ask for.
//!
//! Written against the document alone, on purpose knowing nothing of the code that makes it.

mod examples;

use std::collections::BTreeSet;

use serde_json::Value;

use examples::Schemas;

const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];
const PROBLEM: &str = "application/problem+json";

/// The document of a service, from what its `print-openapi` prints.
pub fn document_of(printed: Option<String>) -> Value {
    let printed = printed.expect("the service has a document");
    serde_json::from_str(&printed).expect("the document is JSON")
}

/// What is wrong with a document, a sentence each. A complete one has no faults.
pub fn faults_of_document(document: &Value) -> Vec<String> {
    let mut checker = Checker { schemas: Schemas::new(document), ids: BTreeSet::new(), faults: Vec::new() };
    let tags: BTreeSet<&str> = items(document, "tags")
        .filter(|tag| !text(tag, "description").is_empty())
        .map(|tag| text(tag, "name"))
        .collect();
    for (path, item) in members(document, "paths") {
        for (method, operation) in
            item.as_object().into_iter().flatten().filter(|(name, _)| METHODS.contains(&name.as_str()))
        {
            checker.operation(&format!("{} {path}", method.to_uppercase()), path, operation, &tags);
        }
    }
    for (name, schema) in
        document.pointer("/components/schemas").and_then(Value::as_object).into_iter().flatten()
    {
        checker.schema(name, schema);
    }
    checker.faults
}

struct Checker<'a> {
    schemas: Schemas<'a>,
    ids: BTreeSet<String>,
    faults: Vec<String>,
}

impl Checker<'_> {
    fn fault(&mut self, text: String) {
        self.faults.push(text);
    }

    fn operation(&mut self, place: &str, path: &str, operation: &Value, tags: &BTreeSet<&str>) {
        let id = text(operation, "operationId");
        if id.is_empty() || !self.ids.insert(id.to_owned()) {
            self.fault(format!("{place}: its operationId `{id}` is empty or another operation's"));
        }
        if text(operation, "summary").is_empty() {
            self.fault(format!("{place}: no summary"));
        }
        if !items(operation, "tags").any(|tag| tag.as_str().is_some_and(|tag| tags.contains(tag))) {
            self.fault(format!("{place}: no tag that the document describes"));
        }
        for parameter in items(operation, "parameters") {
            let name = text(parameter, "name");
            if text(parameter, "description").is_empty() {
                self.fault(format!("{place}: parameter {name} has no description"));
            }
            match (parameter.get("example"), parameter.get("schema")) {
                (Some(example), Some(schema)) => {
                    self.example(&format!("{place}: the example of parameter {name}"), schema, example);
                }
                _ => self.fault(format!("{place}: parameter {name} has no example, or no schema")),
            }
        }
        if let Some(body) = operation.get("requestBody") {
            self.content(&format!("{place}: the body"), body);
        }
        self.answers(place, path, operation);
    }

    fn answers(&mut self, place: &str, path: &str, operation: &Value) {
        for status in expected(path, operation) {
            if operation.get("responses").and_then(|all| all.get(status)).is_none() {
                self.fault(format!("{place}: {status} is not documented"));
            }
        }
        for (status, response) in members(operation, "responses") {
            let place = format!("{place}: answer {status}");
            if text(response, "description").is_empty() {
                self.fault(format!("{place} has no description"));
            }
            self.content(&place, response);
            let is_error = status.starts_with(['4', '5']) || status == "default";
            if is_error && members(response, "content").next().is_none() {
                self.fault(format!("{place} has no body"));
            }
            if matches!(status.as_str(), "429" | "503")
                && !members(response, "headers").any(|(name, _)| name == "Retry-After")
            {
                self.fault(format!("{place} has no Retry-After"));
            }
            let Some(problem) = response.get("content").and_then(|content| content.get(PROBLEM)) else {
                continue;
            };
            for (name, example) in all_examples(problem) {
                let said = example.get("status").and_then(Value::as_u64).unwrap_or_default().to_string();
                if status != "default" && said != *status {
                    self.fault(format!("{place}: its example `{name}` is of status {said}"));
                }
            }
        }
    }

    /// Bodies that are text have an example that is what their schema says.
    fn content(&mut self, place: &str, body: &Value) {
        for (media, content) in members(body, "content") {
            if !media.contains("json") && !media.starts_with("text/") {
                continue;
            }
            let examples = all_examples(content);
            let Some(schema) = content.get("schema") else {
                self.fault(format!("{place} as {media} has no schema"));
                continue;
            };
            if examples.is_empty() {
                self.fault(format!("{place} as {media} has no example"));
            }
            for (name, example) in examples {
                self.example(&format!("{place} as {media}, example{name}"), schema, &example);
            }
        }
    }

    fn example(&mut self, place: &str, schema: &Value, example: &Value) {
        let faults = self.schemas.faults(schema, example);
        self.faults.extend(faults.into_iter().map(|fault| format!("{place}: {fault}")));
    }

    /// Properties have descriptions, own examples are what the schema says.
    fn schema(&mut self, name: &str, schema: &Value) {
        if let Some(example) = schema.get("example") {
            self.example(&format!("schema {name}, example"), schema, example);
        }
        for (property, inner) in members(schema, "properties") {
            if text(inner, "description").is_empty() {
                self.fault(format!("schema {name}: {property} has no description"));
            }
            self.schema(&format!("{name}.{property}"), inner);
        }
        for part in ["allOf", "oneOf", "anyOf"].iter().flat_map(|several| items(schema, several)) {
            self.schema(name, part);
        }
    }
}

/// The errors that an operation must document, by what it takes. One without a token is a door for strangers, which
/// answers in its own ways.
fn expected(path: &str, operation: &Value) -> BTreeSet<&'static str> {
    let takes = |scheme: &str| items(operation, "security").any(|one| one.get(scheme).is_some());
    let mut expected = BTreeSet::from(["default"]);
    if !takes("apiToken") && !takes("operatorToken") {
        return expected;
    }
    expected.extend(["401", "503"]);
    if takes("apiToken") {
        expected.insert("403");
    }
    if path.contains('{') {
        expected.insert("404");
    }
    for parameter in items(operation, "parameters") {
        match (text(parameter, "in"), text(parameter, "name").to_lowercase().as_str()) {
            ("query", _) => {
                expected.insert("400");
            }
            ("path", _) if parameter.pointer("/schema/format").is_some() => {
                expected.insert("400");
            }
            ("header", "if-match") => expected.extend(["400", "412"]),
            ("header", "idempotency-key") => expected.extend(["400", "409", "422"]),
            _ => {}
        }
    }
    if let Some(body) = operation.get("requestBody") {
        expected.extend(["400", "413", "422"]);
        let is_json = body.pointer("/content/application~1json").is_some();
        if is_json && body.get("required") == Some(&Value::Bool(true)) {
            expected.insert("415");
        }
    }
    expected
}

/// Examples by their names; the only one has none.
fn all_examples(content: &Value) -> Vec<(String, Value)> {
    let one = content.get("example").map(|example| (String::new(), example.clone()));
    let several = members(content, "examples")
        .filter_map(|(name, example)| Some((format!(" {name}"), example.get("value")?.clone())));
    one.into_iter().chain(several).collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn members<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(name).and_then(Value::as_object).into_iter().flatten()
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}
