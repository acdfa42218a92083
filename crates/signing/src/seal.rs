//! Sealing what must be used again later (publishers' secrets): XChaCha20-Poly1305 under a server key.
//!
//! A sealed value is `1 ∥ key id ∥ nonce (24) ∥ ciphertext and tag`. The associated data names the place it belongs to
//! (tenant, row, column): a value copied into another row does not open. Facts carry the same sealed bytes as tables, so
//! writer and reader must name a place alike: the functions `endpoint_…` are the one spelling. The nonce is 192 random bits,
//! so it may be drawn without counting.

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use kernel::{EndpointId, TenantId};
use secrecy::{SecretSlice, SecretString, zeroize::Zeroizing};

use crate::{keyring::Keyring, mac::MacKey};

/// First byte of every sealed value; another format gets another.
const FORMAT: u8 = 1;
/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 24;
/// Keeps the sealing key apart from the server key it comes from, which may also sign.
const LABEL: &[u8] = b"gokart seal 1\n";

/// Why a value could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value is too long to seal")]
pub struct SealError;

/// Why a sealed value did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not a sealed value of a known format.
    #[error("not a sealed value")]
    Format,
    /// Sealed under a key that is not in the keyring.
    #[error("sealed under key {0}, which is not in the keyring")]
    UnknownKey(u8),
    /// Changed, or not sealed for this place.
    #[error("the sealed value was changed or belongs to another place")]
    Forged,
    /// Opened, but not text.
    #[error("the sealed value is not text")]
    NotText,
}

/// Seals `plaintext` for the place `associated` names, under the keyring's current key. `nonce` must be fresh random.
///
/// # Errors
/// [`SealError`] for a plaintext beyond the cipher's 256 GiB.
pub fn seal(
    keyring: &Keyring,
    nonce: [u8; NONCE_BYTES],
    associated: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    let (key_id, key) = keyring.current();
    let ciphertext = cipher(key)
        .encrypt(&XNonce::from(nonce), Payload { msg: plaintext, aad: associated })
        .map_err(|_too_long| SealError)?;
    Ok([FORMAT, key_id].into_iter().chain(nonce).chain(ciphertext).collect())
}

/// Opens a value that was sealed for the place `associated` names.
///
/// # Errors
/// [`OpenError`] says why not.
pub fn open(keyring: &Keyring, associated: &[u8], sealed: &[u8]) -> Result<SecretSlice<u8>, OpenError> {
    let ([FORMAT, key_id], rest) = sealed.split_first_chunk::<2>().ok_or(OpenError::Format)? else {
        return Err(OpenError::Format);
    };
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError::Format)?;
    let key = keyring.find(*key_id).ok_or(OpenError::UnknownKey(*key_id))?;
    cipher(key)
        .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: associated })
        .map(SecretSlice::from)
        .map_err(|_forged| OpenError::Forged)
}

/// Opens a value that was sealed from text.
///
/// # Errors
/// As [`open`]; also [`OpenError::NotText`].
pub fn open_text(keyring: &Keyring, associated: &[u8], sealed: &[u8]) -> Result<SecretString, OpenError> {
    use secrecy::ExposeSecret as _;

    let bytes = open(keyring, associated, sealed)?;
    let text = std::str::from_utf8(bytes.expose_secret()).map_err(|_not_printed| OpenError::NotText)?;
    Ok(SecretString::from(text))
}

/// The key id a sealed value names, to find what a key rotation has still to seal again.
#[must_use]
pub fn key_id(sealed: &[u8]) -> Option<u8> {
    match sealed {
        [FORMAT, key_id, ..] => Some(*key_id),
        _ => None,
    }
}

/// The place of a publisher endpoint's signing secret; the plaintext is its text, `whsec_…`.
#[must_use]
pub fn endpoint_signing_secret(tenant: TenantId, endpoint: EndpointId) -> Vec<u8> {
    place("endpoint signing secret", tenant, endpoint)
}

/// The place of the value of a publisher endpoint's custom header; the plaintext is that value.
#[must_use]
pub fn endpoint_header_value(tenant: TenantId, endpoint: EndpointId) -> Vec<u8> {
    place("endpoint header value", tenant, endpoint)
}

fn place(column: &str, tenant: TenantId, endpoint: EndpointId) -> Vec<u8> {
    [column.as_bytes(), b"\n", tenant.as_uuid().as_bytes(), endpoint.as_uuid().as_bytes()].concat()
}

fn cipher(server_key: &MacKey) -> XChaCha20Poly1305 {
    let key = Zeroizing::new(server_key.sign(&[LABEL]).reveal());
    XChaCha20Poly1305::new(&(*key).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::keyring::tests::keyring;

    #[test]
    fn an_old_key_opens_and_a_retired_one_is_named() {
        let sealed = seal(&keyring(&[(1, 7)]), [3; NONCE_BYTES], b"row", b"secret").unwrap();
        assert_eq!(key_id(&sealed), Some(1));
        let opened = open_text(&keyring(&[(2, 9), (1, 7)]), b"row", &sealed).unwrap();
        assert_eq!(opened.expose_secret(), "secret");
        assert_eq!(open(&keyring(&[(2, 9)]), b"row", &sealed).unwrap_err(), OpenError::UnknownKey(1));
    }

    #[test]
    fn another_row_does_not_open() {
        let ring = keyring(&[(1, 7)]);
        let sealed = seal(&ring, [3; NONCE_BYTES], b"row 1", b"secret").unwrap();
        assert_eq!(open(&ring, b"row 2", &sealed).unwrap_err(), OpenError::Forged);
    }

    #[test]
    fn places_differ_by_column_tenant_and_endpoint() {
        use uuid::Uuid;
        let tenant = |number| TenantId::from_uuid(Uuid::from_u128(number));
        let endpoint = |number| EndpointId::from_uuid(Uuid::from_u128(number));
        let place = endpoint_signing_secret(tenant(1), endpoint(2));
        assert_ne!(place, endpoint_header_value(tenant(1), endpoint(2)));
        assert_ne!(place, endpoint_signing_secret(tenant(2), endpoint(2)));
        assert_ne!(place, endpoint_signing_secret(tenant(1), endpoint(1)));
    }

    #[test]
    fn what_was_never_sealed_is_refused() {
        let ring = keyring(&[(1, 7)]);
        for bytes in
            [&b""[..], b"\x01", b"\x02\x01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", b"\x01\x01short"]
        {
            assert_eq!(open(&ring, b"row", bytes).unwrap_err(), OpenError::Format);
        }
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_one_changed_bit_does_not(
            nonce in any::<[u8; NONCE_BYTES]>(), plain in any::<Vec<u8>>(), at in any::<prop::sample::Index>(), bit in 0_u8..8,
        ) {
            let ring = keyring(&[(1, 7)]);
            let mut sealed = seal(&ring, nonce, b"row", &plain).unwrap();
            let opened = open(&ring, b"row", &sealed).unwrap();
            prop_assert_eq!(opened.expose_secret(), plain.as_slice());
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(open(&ring, b"row", &sealed).is_err());
        }
    }
}
