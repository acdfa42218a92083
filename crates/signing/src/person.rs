//! What stands in the place of a person who asked to be forgotten: the same person gets the same text, so that counts stay
//! right, and nobody without the key finds out who it was.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::TenantId;

use crate::keyring::Keyring;

/// Keeps these apart from everything else a key may ever sign.
const LABEL: &[u8] = b"gokart person 1\n";
/// How such a text begins.
const PREFIX: &str = "erased:";

/// The text in place of `name` within `scope` (the publisher whose member it is, say) under the newest key: `erased:`, the
/// key's id, and an HMAC.
#[must_use]
pub fn pseudonym(keyring: &Keyring, tenant: TenantId, scope: &[u8], name: &str) -> String {
    let (key_id, key) = keyring.current();
    let length = u64::try_from(scope.len()).unwrap_or(u64::MAX).to_be_bytes();
    let mac = key.sign(&[LABEL, tenant.as_uuid().as_bytes(), &length, scope, name.as_bytes()]);
    format!("{PREFIX}{key_id}:{}", URL_SAFE_NO_PAD.encode(mac.reveal()))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::keyring::tests::keyring;

    #[test]
    fn the_same_person_has_one_name_and_nobody_else_has_it() {
        let tenant = |number: u128| TenantId::from_uuid(Uuid::from_u128(number));
        let keys = keyring(&[(5, 7)]);
        let name = pseudonym(&keys, tenant(1), b"publisher", "member");
        assert_eq!(name, pseudonym(&keys, tenant(1), b"publisher", "member"));
        assert!(name.starts_with("erased:5:") && !name.contains("member"), "{name}");
        for other in [
            pseudonym(&keys, tenant(2), b"publisher", "member"),
            pseudonym(&keys, tenant(1), b"publishe", "rmember"),
            pseudonym(&keys, tenant(1), b"publisher", "member "),
            pseudonym(&keyring(&[(5, 8)]), tenant(1), b"publisher", "member"),
        ] {
            assert_ne!(name, other);
        }
    }
}
