//! The many ways in which AppsFlyer, its partners and people say "no value".

use percent_encoding::percent_decode_str;

/// Whether a value says that there is none: empty, white space, `null`/`None`/`undefined`/`N/A` in any case, an
/// all-zero UUID, or a macro nobody replaced, also one that is still percent-encoded.
///
/// An Event ID that is configured exactly like this is still an Event ID: see
/// [`EventReference`](crate::EventReference).
#[must_use]
pub fn looks_absent(value: &str) -> bool {
    let value = value.trim();
    if plainly_absent(value) {
        return true;
    }
    // `%7Bclickid%7D` is what is left of a macro that was encoded before it should have been replaced.
    value.contains('%')
        && percent_decode_str(value).decode_utf8().is_ok_and(|decoded| plainly_absent(decoded.trim()))
}

fn plainly_absent(value: &str) -> bool {
    value.is_empty()
        || ["null", "none", "undefined", "n/a"].iter().any(|word| value.eq_ignore_ascii_case(word))
        || is_zero_uuid(value)
        || is_macro(value)
}

fn is_zero_uuid(value: &str) -> bool {
    let zeros = value.bytes().filter(|byte| *byte == b'0').count();
    let only_zeros = value.bytes().all(|byte| byte == b'0' || byte == b'-');
    only_zeros && zeros == 32 && matches!(value.len(), 32 | 36)
}

/// `{x}`, `(x)`, `[x]`, `$$click(x)`, `$$sdk(x)`, `__x__`. A JSON object or list is no macro: what stands between the
/// brackets must look like a name.
fn is_macro(value: &str) -> bool {
    let between = |open: &str, close: &str| {
        value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some_and(is_macro_name)
    };
    between("{", "}")
        || between("(", ")")
        || between("[", "]")
        || between("$$click(", ")")
        || between("$$sdk(", ")")
        || between("__", "__")
}

fn is_macro_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' '))
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
    #[case("____")]
    fn a_value(#[case] value: &str) {
        assert!(!looks_absent(value), "{value}");
    }
}
