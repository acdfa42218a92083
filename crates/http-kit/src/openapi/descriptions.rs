//! Descriptions where readers look for them.

use serde_json::Value;

/// Of a property that may be null the generator describes the reference inside; the words belong to the property.
pub(super) fn lift(schema: &mut Value) {
    for part in ["allOf", "oneOf", "anyOf"] {
        let parts = schema.get_mut(part).and_then(Value::as_array_mut);
        parts.into_iter().flatten().for_each(lift);
    }
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flatten().map(|(_, property)| property) {
        lift(property);
        let choices = property.get_mut("oneOf").and_then(Value::as_array_mut);
        let found =
            choices.into_iter().flatten().find_map(|choice| choice.as_object_mut()?.remove("description"));
        if let (Some(description), Some(property)) = (found, property.as_object_mut()) {
            property.entry("description").or_insert(description);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_words_of_a_reference_that_may_be_null_are_the_property_s() {
        let reference = json!({ "$ref": "#/components/schemas/Money", "description": "Over all." });
        let mut schema = json!({ "properties": { "budget": { "oneOf": [reference, { "type": "null" }] } } });
        lift(&mut schema);
        assert_eq!(schema["properties"]["budget"]["description"], "Over all.");
        assert!(schema["properties"]["budget"]["oneOf"][0]["description"].is_null());
    }
}
