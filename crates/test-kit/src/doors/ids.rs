//! Ids in names, texts and bodies.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// Whether a field or parameter with this name holds an id, or several.
pub(super) fn looks_like_an_id(name: &str) -> bool {
    ["Id", "Ids", "_id", "_ids"].iter().any(|end| name.ends_with(end))
}

/// `publisherIds` → `publisher_id`, as parts of paths are called.
pub(super) fn of_path(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    if snake.ends_with("_ids") {
        snake.pop();
    }
    snake
}

/// Every UUID in a text.
pub(super) fn uuids(text: &str) -> BTreeSet<String> {
    let is_one = |window: &[u8]| {
        let mut letters = window.iter().enumerate();
        letters.all(|(at, letter)| match at {
            8 | 13 | 18 | 23 => *letter == b'-',
            _ => letter.is_ascii_hexdigit(),
        })
    };
    let found = text.as_bytes().windows(36).filter(|window| is_one(window));
    found.map(|window| String::from_utf8_lossy(window).into_owned()).collect()
}

/// Puts a value where the steps lead, and makes what is missing on the way.
pub(super) fn put(body: &mut Value, steps: &[String], value: &str) {
    let Some((step, rest)) = steps.split_first() else {
        *body = json!(value);
        return;
    };
    if step == "0" {
        if body.as_array().is_none_or(Vec::is_empty) {
            *body = json!([null]);
        }
        put(&mut body[0], rest, value);
    } else {
        if !body.is_object() {
            *body = json!({});
        }
        put(&mut body[step.as_str()], rest, value);
    }
}

/// Whether a body holds something where the steps lead.
pub(super) fn holds(body: &Value, steps: &[String]) -> bool {
    let pointer: String = steps.iter().map(|step| format!("/{step}")).collect();
    body.pointer(&pointer).is_some_and(|value| !value.is_null())
}

/// Removes fields that differ from look to look.
pub(super) fn without(mut value: Value, fields: &[&str]) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.retain(|name, _| !fields.contains(&name.as_str()));
            members.values_mut().for_each(|member| *member = without(member.take(), fields));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without(item.take(), fields)),
        _ => {}
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_paths() {
        assert_eq!(
            ["offerEventId", "publisherIds", "gk_click_id"].map(of_path),
            ["offer_event_id", "publisher_id", "gk_click_id"]
        );
        assert!(
            looks_like_an_id("publisherIds") && !looks_like_an_id("paid") && !looks_like_an_id("Identity")
        );
    }

    #[test]
    fn a_value_is_put_where_it_belongs() {
        let mut body = json!({ "creatives": [{ "order": 1 }] });
        let steps = ["creatives", "0", "creativeId"].map(str::to_owned);
        assert!(!holds(&body, &steps));
        put(&mut body, &steps, "x");
        put(&mut body, &["publisherIds", "0"].map(str::to_owned), "y");
        assert_eq!(body, json!({ "creatives": [{ "order": 1, "creativeId": "x" }], "publisherIds": ["y"] }));
        assert!(holds(&body, &steps));
    }

    #[test]
    fn ids_are_found_in_texts() {
        let id = "0193a1f0-0000-7000-8000-000000000002";
        assert_eq!(uuids(&format!("\"a/{id}?{}\"", &id[1..])), BTreeSet::from([id.to_owned()]));
        assert_eq!(without(json!([{ "a": 1, "b": { "a": 2 } }]), &["a"]), json!([{ "b": {} }]));
    }
}
