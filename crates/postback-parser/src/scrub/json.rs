//! Credentials in a JSON body. What is kept stays as it is written, to the byte: evidence is not formatted anew.

use std::borrow::Cow;

use super::{Cutter, embedded, names};
use crate::{
    escape::{Letter, peel},
    json,
    request::trimmed,
    text::clean,
};

/// Scrubs a JSON text, or says that it is none.
pub(super) fn scrub(raw: &[u8]) -> Option<Cow<'_, [u8]>> {
    // Exactly what the parser will read.
    if !json::is_valid(&clean(trimmed(raw)).text) {
        return None;
    }
    let mut cutter = Cutter::new(raw);
    let mut depth = 0_usize;
    let mut at = 0_usize;
    while let Some(byte) = raw.get(at) {
        match byte {
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let text = string(raw, at);
                at = match value_of_key(raw, text.after) {
                    Some(value) if is_credential(text.inner, depth) => cut_value(&mut cutter, raw, value),
                    key => {
                        scrub_text(&mut cutter, at.saturating_add(1), text.inner);
                        key.unwrap_or(text.after)
                    }
                };
                continue;
            }
            _ => {}
        }
        at = at.saturating_add(1);
    }
    Some(cutter.finish())
}

fn is_credential(name: &[u8], depth: usize) -> bool {
    if depth == 1 { names::is_credential(name) } else { names::is_secret(name) }
}

struct Text<'a> {
    inner: &'a [u8],
    /// The place after the closing quote.
    after: usize,
}

/// The string whose opening quote stands at `at`.
fn string(raw: &[u8], at: usize) -> Text<'_> {
    let from = at.saturating_add(1);
    let inner = raw.get(from..).unwrap_or_default();
    let mut escaped = false;
    for (place, byte) in inner.iter().enumerate() {
        match byte {
            b'"' if !escaped => {
                let after = from.saturating_add(place).saturating_add(1);
                return Text { inner: inner.get(..place).unwrap_or(inner), after };
            }
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    Text { inner, after: raw.len() }
}

fn skip_space(raw: &[u8], from: usize) -> usize {
    let rest = raw.get(from..).unwrap_or_default();
    raw.len().saturating_sub(rest.trim_ascii_start().len())
}

/// Where the value begins, when the string that ended at `from` is a key.
fn value_of_key(raw: &[u8], from: usize) -> Option<usize> {
    let colon = skip_space(raw, from);
    (raw.get(colon) == Some(&b':')).then(|| skip_space(raw, colon.saturating_add(1)))
}

/// Cuts the value that begins at `at` and says where it ended.
fn cut_value(cutter: &mut Cutter<'_>, raw: &[u8], at: usize) -> usize {
    if raw.get(at) == Some(&b'"') {
        let text = string(raw, at);
        let from = at.saturating_add(1);
        cutter.cut_range(from, from.saturating_add(text.inner.len()), b"");
        return text.after;
    }
    let end = end_of_value(raw, at);
    cutter.cut_range(at, end, b"null");
    end
}

/// Where the number, word, list or object that begins at `at` ends.
fn end_of_value(raw: &[u8], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut place = at;
    while let Some(byte) = raw.get(place) {
        match byte {
            b'"' => {
                place = string(raw, place).after;
                continue;
            }
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' if depth == 1 => return place.saturating_add(1),
            b'}' | b']' | b',' if depth == 0 => return place,
            b'}' | b']' => depth = depth.saturating_sub(1),
            byte if depth == 0 && byte.is_ascii_whitespace() => return place,
            _ => {}
        }
        place = place.saturating_add(1);
    }
    raw.len()
}

fn scrub_text(cutter: &mut Cutter<'_>, from: usize, inner: &[u8]) {
    if !super::glance::json_might_hold(inner) {
        return;
    }
    let letters = super::without_nul(peel(inner));
    embedded::cut(&letters, 0, &mut |found: &[Letter], instead: &[u8]| {
        cutter.cut(from, found, instead);
    });
}
