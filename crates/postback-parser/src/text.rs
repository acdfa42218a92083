//! Bytes become text once: percent-decoding, UTF-8 and NUL are settled here and nowhere else.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// Text, and what had to be replaced to get it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Cleaned {
    pub(crate) text: String,
    pub(crate) bad_utf8: bool,
    pub(crate) nul: bool,
}

/// Decodes one component of a query or form: `+` is a space, `%xx` is a byte, both exactly once. An escape that is
/// none stays as it was written.
pub(crate) fn decode_component(raw: &[u8]) -> Cleaned {
    let spaced: Cow<'_, [u8]> = if raw.contains(&b'+') {
        Cow::Owned(raw.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect())
    } else {
        Cow::Borrowed(raw)
    };
    let bytes: Cow<'_, [u8]> = percent_decode(&spaced).into();
    clean(&bytes)
}

/// Makes text of bytes that need no decoding. PostgreSQL refuses U+0000 in `text` and `jsonb`, so NUL goes the same
/// way as broken UTF-8.
pub(crate) fn clean(bytes: &[u8]) -> Cleaned {
    let text = String::from_utf8_lossy(bytes);
    let bad_utf8 = matches!(text, Cow::Owned(_));
    let nul = text.contains('\0');
    let text = if nul { text.replace('\0', "\u{FFFD}") } else { text.into_owned() };
    Cleaned { text, bad_utf8, nul }
}

/// Folds a parameter name: names compare without case, without outer white space and with `-` = `_`.
pub(crate) fn fold_name(name: &str) -> String {
    name.trim().chars().map(|letter| if letter == '-' { '_' } else { letter.to_ascii_lowercase() }).collect()
}

/// Removes one pair of quotes around a value: AppsFlyer's own examples carry them.
pub(crate) fn unquote(value: &str) -> &str {
    let value = value.trim();
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map_or(value, str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_decoded_exactly_once() {
        assert_eq!(decode_component(b"a%2520b+c").text, "a%20b c");
        assert_eq!(decode_component(b"100%").text, "100%");
        assert_eq!(decode_component(b"%zz").text, "%zz");
    }

    #[test]
    fn what_is_no_text_is_replaced_and_told() {
        let broken = decode_component(b"a%ff");
        assert_eq!((broken.text.as_str(), broken.bad_utf8), ("a\u{FFFD}", true));
        let nul = decode_component(b"a%00b");
        assert_eq!((nul.text.as_str(), nul.nul), ("a\u{FFFD}b", true));
    }
}
