//! The many ways in which AppsFlyer, its partners and people say "no value".

use crate::{escape::peel_percent, text::unquote};

/// Whether a value says that there is none: empty, white space, `null`/`None`/`undefined`/`N/A` in any case, an
/// all-zero UUID, or a macro nobody replaced; also in quotes, also when it is still percent-encoded.
///
/// An Event ID that is configured exactly like this is still an Event ID: see
/// [`EventReference`](crate::EventReference).
#[must_use]
pub fn looks_absent(value: &str) -> bool {
    if plainly_absent(value) {
        return true;
    }
    // `%7Bclickid%7D` is what is left of a macro that was encoded before it should have been replaced.
    value.contains('%') && std::str::from_utf8(&peel_percent(value.as_bytes())).is_ok_and(plainly_absent)
}

fn plainly_absent(value: &str) -> bool {
    // AppsFlyer's own examples carry quotes, and its S2S API tells advertisers to send `""` for "no value".
    let value = unquote(value);
    value.is_empty()
        || ["null", "none", "undefined", "n/a"].iter().any(|word| value.eq_ignore_ascii_case(word))
        || is_zero_uuid(value)
        || is_macro(value)
}

fn is_zero_uuid(value: &str) -> bool {
    uuid_digits(value, |digit| *digit == b'0')
}

fn is_uuid(value: &str) -> bool {
    uuid_digits(value, u8::is_ascii_hexdigit)
}

fn uuid_digits(value: &str, allowed: impl Fn(&u8) -> bool) -> bool {
    let dashes = value.bytes().filter(|byte| *byte == b'-').count();
    matches!((value.len(), dashes), (32, 0) | (36, 4))
        && value.bytes().all(|byte| byte == b'-' || allowed(&byte))
}

/// `{x}`, `(x)`, `[x]`, `$$click(x)`, `$$sdk(x)`, `__x__`. A JSON object or list is no macro: what stands between the
/// brackets must look like a name. A UUID between them is no name either, but somebody's click.
fn is_macro(value: &str) -> bool {
    let between = |open: &str, close: &str| {
        value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some_and(is_macro_name)
    };
    between("{", "}")
        || between("(", ")")
        || between("[", "]")
        || between("__", "__")
        || is_portal_macro(value)
}

/// `$$click(x)` and `$$sdk(x)`, as AppsFlyer's portal stores them.
fn is_portal_macro(value: &str) -> bool {
    let Some((kind, rest)) = value.strip_prefix("$$").and_then(|rest| rest.split_once('(')) else {
        return false;
    };
    ["click", "sdk"].iter().any(|known| kind.eq_ignore_ascii_case(known))
        && rest.strip_suffix(')').is_some_and(is_macro_name)
}

fn is_macro_name(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ');
    !name.is_empty() && name.bytes().all(letters) && (!is_uuid(name) || is_zero_uuid(name))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("")]
    #[case(" \t\n")]
    #[case("NULL")]
    #[case("None")]
    #[case("undefined")]
    #[case("n/a")]
    #[case("00000000-0000-0000-0000-000000000000")]
    #[case("00000000000000000000000000000000")]
    #[case("{clickid}")]
    #[case("(advertiser-id)")]
    #[case("$$click(clickid)")]
    #[case("$$sdk(event-name)")]
    #[case("__CLICKID__")]
    #[case("[click_id]")]
    #[case("%7Bclickid%7D")]
    #[case("%24%24click%28clickid%29")]
    #[case("%257Bclickid%257D")]
    #[case("%25257bclickid%25257d")]
    #[case("$$CLICK(goalid_1)")]
    #[case("{Click ID}")]
    #[case("\"\"")]
    #[case(" \" \" ")]
    #[case("\"null\"")]
    #[case("%22%7Bclickid%7D%22")]
    #[case("{00000000-0000-0000-0000-000000000000}")]
    fn no_value(#[case] value: &str) {
        assert!(looks_absent(value), "{value}");
    }

    #[rstest]
    #[case("0")]
    #[case("0000")]
    #[case("{}")]
    #[case("[]")]
    #[case(r#"{"af_price":"25.78"}"#)]
    #[case("{:af_revenue 11.21}")]
    #[case("nonesuch")]
    #[case("level_10")]
    #[case("100%")]
    #[case("%FF%7Bx%7D")]
    #[case("\"")]
    #[case("{efb2a7d2-c01a-4e3f-b8a1-81b4568e9f32}")]
    #[case("$$price(x)")]
    #[case("$$click()")]
    #[case("____")]
    fn a_value(#[case] value: &str) {
        assert!(!looks_absent(value), "{value}");
    }
}
