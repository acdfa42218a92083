//! PostgreSQL's `text` and `jsonb` hold every character but U+0000: with one in it, the whole statement fails (22021),
//! for ever. So text that comes from outside passes here first, or is stored as `bytea`.

use std::borrow::Cow;

/// The text with every NUL replaced by U+FFFD.
#[must_use]
pub fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// [`without_nul`], cut to at most `max_bytes` bytes at a character's end.
#[must_use]
pub fn bounded(text: &str, max_bytes: usize) -> Cow<'_, str> {
    // A NUL grows when it is replaced: cut again, whatever was cut already.
    let mut text = without_nul(text.get(..text.floor_char_boundary(max_bytes)).unwrap_or(text));
    if text.len() > max_bytes {
        let end = text.floor_char_boundary(max_bytes);
        text.to_mut().truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_is_replaced_and_nothing_else() {
        assert_eq!(without_nul("a\0b"), "a\u{fffd}b");
        assert!(matches!(without_nul("ä\u{1}"), Cow::Borrowed("ä\u{1}")));
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(bounded("aä", 2), "a");
        assert_eq!(bounded("aä", 3), "aä");
        assert_eq!(bounded("", 3), "");
        assert_eq!(bounded("a\0\0", 5), "a\u{fffd}");
    }
}
