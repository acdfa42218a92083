//! API tokens: 256 random bits as text, kept only as keyed hash. Looking one up by its hash needs no constant time: who
//! can not compute the hash learns nothing from how long a look-up takes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};

use crate::mac::{Mac, hmac_sha256};

/// Begins every token, so that scanners for leaked secrets and people recognise one.
pub const PREFIX: &str = "gkt_";

/// The token made of 32 random bytes: `gkt_` and 43 characters of base64url. Shown once, never stored.
#[must_use]
pub fn generate(random: [u8; 32]) -> SecretString {
    SecretString::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)))
}

/// The hash a token is stored and found by: HMAC-SHA256 under the pepper of the settings.
#[must_use]
pub fn hash(pepper: &SecretString, token: &str) -> [u8; 32] {
    hmac(pepper, token).reveal()
}

/// Whether `token` is the one that `hash` was made of, in time that does not depend on where they differ. Hashing first
/// makes both sides of one length and unpredictable.
#[must_use]
pub fn is(pepper: &SecretString, token: &str, hash: &[u8; 32]) -> bool {
    hmac(pepper, token).begins_with(hash).into()
}

fn hmac(pepper: &SecretString, token: &str) -> Mac {
    hmac_sha256(pepper.expose_secret().as_bytes(), &[token.trim().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_prefix_and_its_length() {
        let token = generate([0xff; 32]);
        assert!(token.expose_secret().starts_with(PREFIX));
        assert_eq!(token.expose_secret().len(), 47);
    }

    #[test]
    fn the_hash_depends_on_pepper_and_token_and_not_on_white_space() {
        let (one, two) = (SecretString::from("one"), SecretString::from("two"));
        assert_eq!(hash(&one, "gkt_a"), hash(&one, " gkt_a\n"));
        assert_ne!(hash(&one, "gkt_a"), hash(&two, "gkt_a"));
        assert_ne!(hash(&one, "gkt_a"), hash(&one, "gkt_b"));
        assert!(is(&one, "gkt_a ", &hash(&one, "gkt_a")));
        assert!(!is(&one, "gkt_b", &hash(&one, "gkt_a")));
        assert!(!is(&two, "gkt_a", &hash(&one, "gkt_a")));
    }
}
