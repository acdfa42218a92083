//! Takes the values of credential parameters out of a request before anything is published or stored.
//!
//! The signature is a bearer secret that travels in the URL. The path is never kept at all; of the query and the body
//! everything is kept except these values, so that a support case can still see which parameters were sent.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    json,
    pairs::split_pair,
    request::{BodyKind, body_kind},
    text::{clean, decode_component, fold_name},
};

/// Parameters that carry a credential, folded.
const CREDENTIALS: [&str; 6] = ["signature", "domain", "security_segment", "segment", "token", "api_token"];

/// The query without the values of credential parameters.
#[must_use]
pub fn query(raw: &[u8]) -> Cow<'_, [u8]> {
    form(raw)
}

/// The body without the values of credential parameters. A body that can not be read and might carry one is dropped:
/// better no evidence than a leak.
#[must_use]
pub fn body<'a>(content_type: Option<&str>, raw: &'a [u8]) -> Cow<'a, [u8]> {
    match body_kind(content_type, raw) {
        BodyKind::Empty => Cow::Borrowed(raw),
        BodyKind::Form => form(raw),
        BodyKind::Json => json_body(raw),
        BodyKind::Unknown => unreadable(raw),
    }
}

fn is_credential(name: &str) -> bool {
    CREDENTIALS.contains(&fold_name(name).as_str())
}

fn form(raw: &[u8]) -> Cow<'_, [u8]> {
    let part_is_credential = |part: &[u8]| is_credential(&decode_component(split_pair(part).0).text);
    if !raw.split(|byte| *byte == b'&').any(part_is_credential) {
        return Cow::Borrowed(raw);
    }
    let mut kept = Vec::with_capacity(raw.len());
    for (place, part) in raw.split(|byte| *byte == b'&').enumerate() {
        if place > 0 {
            kept.push(b'&');
        }
        if part_is_credential(part) {
            kept.extend_from_slice(split_pair(part).0);
            kept.push(b'=');
        } else {
            kept.extend_from_slice(part);
        }
    }
    Cow::Owned(kept)
}

fn json_body(raw: &[u8]) -> Cow<'_, [u8]> {
    let cleaned = clean(raw);
    let Some(members) = json::members(cleaned.text.trim_start_matches('\u{FEFF}')) else {
        return unreadable(raw);
    };
    if !members.0.iter().any(|(name, value)| is_credential(name) || holds_credential(value)) {
        return Cow::Borrowed(raw);
    }
    // Written by hand, because a map would lose the order and the repetition of keys.
    let written: Vec<String> = members
        .0
        .into_iter()
        .map(|(name, value)| {
            let value =
                if is_credential(&name) { Value::String(String::new()) } else { without_credentials(value) };
            format!("{}:{value}", Value::String(name))
        })
        .collect();
    Cow::Owned(format!("{{{}}}", written.join(",")).into_bytes())
}

fn holds_credential(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, value)| is_credential(name) || holds_credential(value))
        }
        Value::Array(items) => items.iter().any(holds_credential),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn without_credentials(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| {
                    let value = if is_credential(&name) {
                        Value::String(String::new())
                    } else {
                        without_credentials(value)
                    };
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_credentials).collect()),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}

/// Escapes can spell a name in many ways, so an unreadable body with any of them is not trusted either.
fn unreadable(raw: &[u8]) -> Cow<'_, [u8]> {
    let text = fold_name(&decode_component(raw).text);
    let suspicious = CREDENTIALS.iter().any(|name| text.contains(name)) || text.contains("\\u");
    if suspicious { Cow::Borrowed(b"") } else { Cow::Borrowed(raw) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_value_of_a_credential_goes() {
        assert_eq!(&*query(b"a=1&signature=s3cret&b=2"), b"a=1&signature=&b=2");
        assert_eq!(&*query(b"%53ignature=s3cret&Domain=x"), b"%53ignature=&Domain=");
        assert_eq!(&*query(b"signature=one&signature=two"), b"signature=&signature=");
        assert!(matches!(query(b"a=1&&b"), Cow::Borrowed(b"a=1&&b")));
    }

    #[test]
    fn a_json_body_keeps_its_other_members_in_order() {
        let scrubbed = body(Some("application/json"), br#"{"b":4.9900,"signature":"s3cret","a":[1]}"#);
        assert_eq!(std::str::from_utf8(&scrubbed).unwrap(), r#"{"b":4.99,"signature":"","a":[1]}"#);
        let nested = body(None, br#"{"event_value":{"Signature":{"x":"s3cret"}}}"#);
        assert!(!String::from_utf8_lossy(&nested).contains("s3cret"));
        assert!(matches!(body(None, br#"{"a":1}"#), Cow::Borrowed(_)));
    }

    #[test]
    fn a_broken_body_that_might_leak_is_dropped() {
        assert_eq!(&*body(Some("application/json"), br#"{"signature":"s3cret""#), b"");
        assert_eq!(&*body(Some("application/json"), br#"{"\u0073ignature":"s3cret""#), b"");
        assert_eq!(&*body(None, b"hello"), b"hello");
    }
}
