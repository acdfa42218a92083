//! The quick look that nearly every postback passes: is there anything that could be, or could hide, a credential?
//!
//! It may suspect an innocent text. It never overlooks a name that [`super::names`] or [`super::embedded`] would know:
//! either the name's letters stand there plainly, or they are escaped, and no honest encoder escapes letters.

use super::names::is_credential;
use crate::escape::hex_pair;

/// What a glance at one `name=value` found.
pub(super) struct Look {
    /// Its bytes, up to the next `&` or the end.
    pub(super) len: usize,
    /// Whether it must be looked at closely.
    pub(super) suspicious: bool,
}

/// Looks at the part that a form starts with.
pub(super) fn next_part(form: &[u8]) -> Look {
    let mut suspicious = false;
    let mut name_ended = false;
    for (at, byte) in form.iter().enumerate() {
        match byte {
            b'&' => {
                suspicious |= !name_ended && is_credential(form.get(..at).unwrap_or_default());
                return Look { len: at, suspicious };
            }
            b'=' if !name_ended => {
                name_ended = true;
                suspicious |= is_credential(form.get(..at).unwrap_or_default());
            }
            b'g' | b'G' | b'k' | b'K' => suspicious |= name_stands_around(form, at),
            b'%' | b'\\' => suspicious |= spells_a_letter(form.get(at..).unwrap_or_default()),
            _ => {}
        }
    }
    Look { len: form.len(), suspicious }
}

/// Whether a JSON text could hold a credential.
pub(super) fn json_might_hold(text: &[u8]) -> bool {
    text.iter().enumerate().any(|(at, byte)| match byte {
        b'g' | b'G' | b'k' | b'K' | b'm' | b'M' => name_stands_around(text, at),
        b'%' | b'\\' => spells_a_letter(text.get(at..).unwrap_or_default()),
        // Sixteen bits a letter, or worse: no name stands plainly in it.
        0 => true,
        _ => false,
    })
}

/// Whether any letter or digit is written as an escape.
pub(super) fn spells_letters(text: &[u8]) -> bool {
    text.iter().enumerate().any(|(at, byte)| match byte {
        b'%' | b'\\' => spells_a_letter(text.get(at..).unwrap_or_default()),
        _ => false,
    })
}

/// Where `wanted` stands for the first time, from `from` on.
pub(super) fn find(text: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let (first, others) = wanted.split_first()?;
    let mut start = from;
    loop {
        let rest = text.get(start..)?;
        let at = rest.iter().position(|byte| byte == first)?;
        let place = start.checked_add(at)?;
        start = place.checked_add(1)?;
        if text.get(start..)?.starts_with(others) {
            return Some(place);
        }
    }
}

/// Every name has a rare letter: `g` or `k`, in `domain` the `m`. Whether the rest of one stands around it.
fn name_stands_around(text: &[u8], at: usize) -> bool {
    let Some(start) = at.checked_sub(2).and_then(|start| text.get(start..)) else { return false };
    [&b"signature"[..], b"segment", b"token", b"domain"]
        .iter()
        .any(|name| start.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)))
}

/// Whether an escape spells a letter, a digit, or the beginning of another escape.
fn spells_a_letter(escape: &[u8]) -> bool {
    match escape {
        [b'\\', rest @ ..] => opens_unicode(rest),
        [b'%', digits @ ..] => match hex_pair(digits) {
            Some((b'\\', rest)) => opens_unicode(rest),
            Some((byte, _)) => byte == b'%' || byte.is_ascii_alphanumeric(),
            None => false,
        },
        _ => false,
    }
}

const fn opens_unicode(after_backslash: &[u8]) -> bool {
    matches!(after_backslash, [b'u' | b'\\', ..])
}
