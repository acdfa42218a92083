//! The quick look that nearly every postback passes: is there anything that could be, or could hide, a credential?
//!
//! It may suspect an innocent text. It never overlooks a name that [`super::names`] or [`super::embedded`] would know:
//! either the name's letters stand there plainly, or they are escaped, and no honest encoder escapes letters.

use crate::escape::hex_pair;

/// Whether anything inside a form's values could be, or could hide, a credential. Yes is only a hint.
///
/// Asked of neighbouring bytes without a branch, sixteen or more at a time: `gn` of `signature`, `gm` of `segment`, `ke`
/// of `token`, escapes that honest encoders do not write, and NUL.
pub(super) fn hints(form: &[u8]) -> bool {
    any_three(form, |first, second, third| word(first, second) | odd_escape(first, second, third))
}

/// Whether any three neighbours are what is looked for.
#[inline]
fn any_three(text: &[u8], is_found: impl Fn(u8, u8, u8) -> bool + Copy) -> bool {
    let mut rest = text;
    while rest.len() > 2 {
        // Two bytes of the next stretch belong to this one's last letters.
        let (stretch, after) = rest.split_at_checked(STRETCH).unwrap_or((rest, &[]));
        let reach = rest.get(..stretch.len().saturating_add(2)).unwrap_or(rest);
        let (Some(second), Some(third)) = (reach.get(1..), reach.get(2..)) else { return false };
        let threes = reach.iter().zip(second).zip(third);
        let found = threes.fold(0_u8, |found, ((first, second), third)| {
            found | u8::from(is_found(*first, *second, *third))
        });
        if found != 0 {
            return true;
        }
        rest = after;
    }
    false
}

/// The first find ends the search, but not before its stretch is through.
const STRETCH: usize = 256;

#[inline]
#[expect(
    clippy::needless_bitwise_bool,
    reason = "a branch would keep the compiler from vectorising the loop"
)]
const fn word(first: u8, second: u8) -> bool {
    let (letter, after) = (first | 0x20, second | 0x20);
    (letter == b'g') & ((after == b'n') | (after == b'm')) | (letter == b'k') & (after == b'e')
}

#[inline]
#[expect(
    clippy::needless_bitwise_bool,
    reason = "a branch would keep the compiler from vectorising the loop"
)]
const fn odd_escape(first: u8, second: u8, third: u8) -> bool {
    // `%41` to `%5A`, `%61` to `%7A`, and of their neighbours `%5C`, the backslash.
    let early = ((second == b'4') | (second == b'6')) & (third != b'0');
    let up_to_z = third.is_ascii_digit() | ((third | 0x20) == b'a');
    let late = ((second == b'5') | (second == b'7')) & up_to_z | (second == b'5') & ((third | 0x20) == b'c');
    let digit = (second == b'3') & third.is_ascii_digit();
    let percent = (second == b'2') & (third == b'5') | (second == b'0') & (third == b'0');
    (first == b'%') & (early | late | digit | percent) | (first == b'\\') | (first == 0)
}

/// The same question, asked closely of one part.
pub(super) fn might_hold(part: &[u8]) -> bool {
    part.iter().enumerate().any(|(at, byte)| match byte {
        b'g' | b'G' | b'k' | b'K' => name_stands_around(part, at),
        b'%' | b'\\' => spells_a_letter(part.get(at..).unwrap_or_default()),
        0 => true,
        _ => false,
    })
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
    any_three(text, odd_escape)
        && text.iter().enumerate().any(|(at, byte)| match byte {
            b'%' | b'\\' => spells_a_letter(text.get(at..).unwrap_or_default()),
            _ => false,
        })
}

/// Every name has a rare letter: `g` or `k`, in `domain` the `m`. Whether the rest of one stands around it.
fn name_stands_around(text: &[u8], at: usize) -> bool {
    let Some(start) = at.checked_sub(2).and_then(|start| text.get(start..)) else { return false };
    [&b"signature"[..], b"segment", b"token", b"domain"]
        .iter()
        .any(|name| start.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)))
}

/// Whether an escape spells a letter, a digit, a NUL, or the beginning of another escape.
fn spells_a_letter(escape: &[u8]) -> bool {
    match escape {
        [b'\\', rest @ ..] => opens_unicode(rest),
        [b'%', digits @ ..] => match hex_pair(digits) {
            Some((b'\\', rest)) => opens_unicode(rest),
            Some((byte, _)) => matches!(byte, 0 | b'%') || byte.is_ascii_alphanumeric(),
            None => false,
        },
        _ => false,
    }
}

const fn opens_unicode(after_backslash: &[u8]) -> bool {
    matches!(after_backslash, [b'u' | b'\\', ..])
}
