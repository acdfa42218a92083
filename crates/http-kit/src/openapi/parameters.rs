//! What parameters are that mean the same everywhere, and an example of each.

use serde_json::{Map, Value};

use super::Parameter;

/// The parameters of the house.
const HOUSE: [Parameter; 5] = [
    of_house("page", "The page, counted from 1.", "1"),
    of_house("page_size", "Items on a page.", "10"),
    of_house(
        "If-Match",
        "The `ETag` of what was read: refused when somebody changed it since.",
        "\"\\\"3\\\"\"",
    ),
    of_house(
        "If-None-Match",
        "The `ETag` of an earlier answer: 304 when nothing has changed.",
        "\"W/\\\"17-1\\\"\"",
    ),
    of_house(
        "Idempotency-Key",
        "A text of your choice: the same call again gets the first one's answer.",
        "0198c7a2-5b1e-7c4e-9d5a-0f4b8a3c2d1e",
    ),
];

const fn of_house(name: &'static str, description: &'static str, example: &'static str) -> Parameter {
    Parameter { name, description, example, names: "" }
}

/// Gives the parameters of an operation what they lack.
pub(super) fn explain(operation: &mut Value, own: &[Parameter]) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten().filter_map(Value::as_object_mut) {
        let named = |known: &&Parameter| {
            parameter
                .get("name")
                .and_then(Value::as_str)
                .is_some_and(|name| name.eq_ignore_ascii_case(known.name))
        };
        let Some(known) = own.iter().chain(&HOUSE).find(named) else { continue };
        if is_blank(parameter, "description") {
            parameter.insert("description".to_owned(), known.description.into());
        }
        if !parameter.contains_key("example") {
            let example = serde_json::from_str(known.example).unwrap_or_else(|_| known.example.into());
            parameter.insert("example".to_owned(), example);
        }
    }
}

fn is_blank(parameter: &Map<String, Value>, name: &str) -> bool {
    parameter.get(name).and_then(Value::as_str).is_none_or(str::is_empty)
}
