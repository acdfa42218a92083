//! Who may call an operation, written out from the name of its door.
//!
//! OpenAPI 3.1 lets a security requirement name roles for every kind of scheme; ours names the [`Door`].

use serde_json::Value;

use super::API_TOKEN;
use crate::auth::Door;

/// Adds `x-roles`, `x-scope` and a sentence to an operation with a door; any other stays as it is.
pub(super) fn explain(operation: &mut Value) {
    let Some(door) = door(operation) else { return };
    let Some(members) = operation.as_object_mut() else { return };
    members.insert("x-roles".to_owned(), door.roles().iter().map(|role| role.as_str()).collect());
    members.insert("x-scope".to_owned(), door.scope().as_str().into());
    let text = match members.get("description").and_then(Value::as_str) {
        Some(text) if !text.is_empty() => format!("{text}\n\n{}", door.sentence()),
        _ => door.sentence().to_owned(),
    };
    members.insert("description".to_owned(), text.into());
}

/// The one door of an operation. None when it names none, several, or one that there is not: the services' tests find that.
pub(super) fn door(operation: &Value) -> Option<Door> {
    let [requirement] = operation.get("security")?.as_array()?.as_slice() else { return None };
    let [name] = requirement.get(API_TOKEN)?.as_array()?.as_slice() else { return None };
    Door::parse(name.as_str()?)
}
