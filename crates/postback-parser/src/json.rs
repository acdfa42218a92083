//! A JSON body becomes parameters: one per key of the outer object, in the order in which they stand, repeated keys
//! kept. Numbers and nested values stay as they are written: a number that passes through a `f64` is another number.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    escape::hex,
    text::{Cleaned, clean},
};

/// The members of a JSON object with their order and repetitions, which a map would lose.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = access.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// Reads an object: names and values as text. Nothing recurses, so depth is bounded by the size alone, which is the
/// caller's.
pub(crate) fn members(body: &str) -> Option<Vec<(Cleaned, Cleaned)>> {
    let members: Members<'_> = serde_json::from_str(body).ok()?;
    Some(members.0.into_iter().map(|(name, value)| (text(name.get()), text(value.get()))).collect())
}

/// Whether the text is one JSON value and nothing else.
pub(crate) fn is_valid(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// The text of a value: strings as they are, null as nothing, everything else as it is written.
fn text(raw: &str) -> Cleaned {
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        // `\u0000` is legal JSON and illegal in every table.
        Some(inner) => unescape(inner),
        None if raw == "null" => Cleaned::default(),
        None => clean(raw.as_bytes()),
    }
}

/// Resolves the escapes of a valid JSON string. Half a surrogate pair is what remains of an emoji that somebody cut in
/// two: it is replaced, like broken UTF-8, and does not cost the other members their reading.
fn unescape(inner: &str) -> Cleaned {
    if !inner.contains('\\') {
        return clean(inner.as_bytes());
    }
    let mut text = String::with_capacity(inner.len());
    let mut broken = false;
    let mut rest = inner;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut letters = escape.chars();
        match letters.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{C}'),
            Some('u') => {
                let (letter, after) = unicode(letters.as_str());
                broken |= letter.is_none();
                text.push(letter.unwrap_or(char::REPLACEMENT_CHARACTER));
                rest = after;
                continue;
            }
            Some(itself) => text.push(itself),
            None => {}
        }
        rest = letters.as_str();
    }
    text.push_str(rest);
    let cleaned = clean(text.as_bytes());
    Cleaned { bad_utf8: cleaned.bad_utf8 || broken, ..cleaned }
}

/// The character after `\u`, or nothing for half a pair, and what follows it.
fn unicode(digits: &str) -> (Option<char>, &str) {
    let Some((first, after)) = code_unit(digits) else { return (None, digits) };
    let second = after.strip_prefix("\\u").and_then(code_unit);
    let pair = second.and_then(|(second, after)| {
        let letter = char::decode_utf16([first, second]).next()?.ok()?;
        // A character of its own before another one is no pair.
        (letter.len_utf16() == 2).then_some((letter, after))
    });
    match pair {
        Some((letter, after)) => (Some(letter), after),
        None => (char::from_u32(u32::from(first)), after),
    }
}

fn code_unit(digits: &str) -> Option<(u16, &str)> {
    let (digits, after) = digits.split_at_checked(4)?;
    Some((u16::try_from(hex(digits.bytes())?).ok()?, after))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#""plain""#, "plain")]
    #[case(r#""a\/b\\c\"d\n\u00e9""#, "a/b\\c\"d\né")]
    #[case(r#""\ud83c\udfae!""#, "🎮!")]
    #[case("null", "")]
    #[case("true", "true")]
    #[case("12345678901234567890.10", "12345678901234567890.10")]
    #[case(r#"{"a": [1, null]}"#, r#"{"a": [1, null]}"#)]
    fn texts(#[case] raw: &str, #[case] expected: &str) {
        let read = text(raw);
        assert_eq!((read.text.as_str(), read.bad_utf8, read.nul), (expected, false, false));
    }

    #[rstest]
    #[case(r#""\ud83c""#, "\u{FFFD}")]
    #[case(r#""\ud83cx""#, "\u{FFFD}x")]
    #[case(r#""\ud83c\u0041""#, "\u{FFFD}A")]
    #[case(r#""\udfae\ud83c""#, "\u{FFFD}\u{FFFD}")]
    fn half_an_emoji_is_replaced(#[case] raw: &str, #[case] expected: &str) {
        let read = text(raw);
        assert_eq!((read.text.as_str(), read.bad_utf8), (expected, true));
    }

    #[test]
    fn depth_does_not_recurse() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(members(&deep).unwrap().len(), 1);
    }
}
