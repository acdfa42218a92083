//! The names under which a credential travels.

use crate::escape::peel;

/// Names of the values that open a door, squashed: see [`squash`]. They hold wherever they stand.
const SECRETS: [&str; 4] = ["signature", "securitysegment", "token", "apitoken"];
/// Names that mean a credential only as a parameter: inside an event's own values they are the app's words.
const PARAMETERS: [&str; 2] = ["domain", "segment"];

/// Whether a parameter of this name, as it is written, carries a credential.
pub(crate) fn is_credential(name: &[u8]) -> bool {
    !looks_otherwise(name) && is_any(name, SECRETS.into_iter().chain(PARAMETERS))
}

/// Whether a member of this name carries a secret, at any depth.
pub(super) fn is_secret(name: &[u8]) -> bool {
    !looks_otherwise(name) && is_any(name, SECRETS.into_iter())
}

/// Whether a text that nobody can read says the name of a credential anywhere.
pub(super) fn mentions_credential(raw: &[u8]) -> bool {
    let letters = peel(raw);
    let text: Vec<u8> = squash(letters.iter().map(|letter| letter.byte)).collect();
    SECRETS.into_iter().chain(PARAMETERS).any(|name| memchr::memmem::find(&text, name.as_bytes()).is_some())
}

/// Names compare without case, and by letters and digits alone: `Security-Segment`, `security segment`, `signature[]`
/// and `signature\0` were all meant.
fn squash(name: impl Iterator<Item = u8>) -> impl Iterator<Item = u8> {
    name.filter(u8::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase())
}

/// Nearly every name begins or ends with a letter that no credential's name begins or ends with.
pub(super) const fn looks_otherwise(name: &[u8]) -> bool {
    match name {
        [] => true,
        [first, ..]
            if first.is_ascii_alphanumeric()
                && !matches!(first.to_ascii_lowercase(), b's' | b'd' | b't' | b'a') =>
        {
            true
        }
        [.., b'%', _, _] | [.., b'\\', b'u', _, _, _, _] => false,
        [.., last] => {
            last.is_ascii_alphanumeric() && !matches!(last.to_ascii_lowercase(), b'e' | b't' | b'n')
        }
    }
}

fn is_any(name: &[u8], mut known: impl Iterator<Item = &'static str>) -> bool {
    if name.iter().any(|byte| matches!(byte, b'%' | b'\\')) {
        let letters = peel(name);
        known.any(|known| squash(letters.iter().map(|letter| letter.byte)).eq(known.bytes()))
    } else {
        known.any(|known| squash(name.iter().copied()).eq(known.bytes()))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("signature")]
    #[case("SIGNATURE")]
    #[case("%73ignature")]
    #[case("signatur%65")]
    #[case("%2573ignature")]
    #[case("\\u0073ignature")]
    #[case("signatur\\u0065")]
    #[case("+signature+")]
    #[case("signature%00")]
    #[case("sig%00nature")]
    #[case("signature[]")]
    #[case("Security%20Segment")]
    #[case("security-segment")]
    #[case("API_Token")]
    #[case("domain")]
    fn credentials(#[case] name: &str) {
        assert!(is_credential(name.as_bytes()), "{name}");
    }

    #[rstest]
    #[case("")]
    #[case("signatures")]
    #[case("signature_version")]
    #[case("af_token")]
    #[case("domain_name")]
    #[case("event_name")]
    #[case("customer_segment")]
    fn other_names(#[case] name: &str) {
        assert!(!is_credential(name.as_bytes()), "{name}");
    }
}
