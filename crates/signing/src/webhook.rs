//! Standard Webhooks 1.0.0: `webhook-signature` is a space-separated list of `v1,<base64 of HMAC-SHA256>` over
//! `id.timestamp.body`, one for each secret that is valid, so that a receiver may hold the old or the new one.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString, zeroize::Zeroizing};

use crate::mac::hmac_sha256;

/// Begins every secret in its text.
pub const PREFIX: &str = "whsec_";
/// Bytes a secret may have, by the specification.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A text that is not a signing secret. Never carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a signing secret: expected `whsec_` and 24 to 64 bytes of base64")]
pub struct SecretError;

/// Why nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// An id with a point could be confused with the timestamp behind it.
    #[error("the webhook id is empty or holds a point")]
    Id,
    /// Nothing to sign with.
    #[error("no signing secret is given")]
    NoSecret,
}

/// A publisher's signing secret.
pub struct WebhookSecret(SecretSlice<u8>);

impl WebhookSecret {
    /// A secret of 32 random bytes.
    #[must_use]
    pub fn generate(random: [u8; 32]) -> Self {
        Self(SecretSlice::from(random.to_vec()))
    }

    /// Reads `whsec_…`; the prefix may be missing, outer white space is ignored.
    ///
    /// # Errors
    /// [`SecretError`] when it is not 24 to 64 bytes of base64.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.trim();
        let encoded = encoded.strip_prefix(PREFIX).unwrap_or(encoded);
        let bytes = STANDARD.decode(encoded).map_err(|_not_printed_it_may_hold_the_secret| SecretError)?;
        if SECRET_BYTES.contains(&bytes.len()) {
            Ok(Self(SecretSlice::from(bytes)))
        } else {
            Err(SecretError)
        }
    }

    /// The text a publisher is given.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        SecretString::from(format!("{PREFIX}{}", STANDARD.encode(self.0.expose_secret())))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("WebhookSecret([redacted])")
    }
}

/// The value of `webhook-signature` for a message, newest secret first.
///
/// `timestamp` is the attempt's, in UNIX seconds, and goes into `webhook-timestamp` as it is.
///
/// # Errors
/// [`SignError`] when the id is empty or holds a point, or there is no secret.
pub fn sign(secrets: &[WebhookSecret], id: &str, timestamp: i64, body: &[u8]) -> Result<String, SignError> {
    if id.is_empty() || id.contains('.') {
        return Err(SignError::Id);
    }
    if secrets.is_empty() {
        return Err(SignError::NoSecret);
    }
    let signed_part = Zeroizing::new(format!("{id}.{timestamp}."));
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| hmac_sha256(secret.0.expose_secret(), &[signed_part.as_bytes(), body]))
        .map(|mac| format!("v1,{}", STANDARD.encode(mac.reveal())))
        .collect();
    Ok(signatures.join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_known_vector_of_the_specification_holds() {
        let secret = WebhookSecret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        assert_eq!(
            sign(&[secret], "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body).unwrap(),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
    }

    #[test]
    fn unclear_ids_and_wrong_secrets_are_refused() {
        let secrets = [WebhookSecret::generate([1; 32])];
        assert_eq!(sign(&secrets, "a.b", 1, b""), Err(SignError::Id));
        assert_eq!(sign(&secrets, "", 1, b""), Err(SignError::Id));
        assert_eq!(sign(&[], "a", 1, b""), Err(SignError::NoSecret));
        for wrong in ["", "whsec_", "whsec_AAAA", "whsec_!!!", &format!("whsec_{}", STANDARD.encode([0; 65]))]
        {
            assert_eq!(WebhookSecret::parse(wrong).unwrap_err(), SecretError, "{wrong}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", WebhookSecret::generate([1; 32])), "WebhookSecret([redacted])");
    }

    fn accepted(secret: &SecretString, id: &str, timestamp: i64, signature: &str, body: &[u8]) -> bool {
        let mut headers = http::HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", timestamp.to_string().parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        standardwebhooks::Webhook::new(secret.expose_secret()).unwrap().verify(body, &headers).is_ok()
    }

    #[expect(clippy::disallowed_methods, reason = "the outside verifier reads the real clock")]
    fn now() -> i64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs()
            .try_into()
            .unwrap()
    }

    proptest! {
        #[test]
        fn the_official_library_accepts_us_with_the_old_and_the_new_secret(
            old in any::<[u8; 32]>(), new in any::<[u8; 32]>(), body in any::<String>(), id in "[a-zA-Z0-9_-]{1,40}",
        ) {
            prop_assume!(old != new);
            let secrets = [WebhookSecret::generate(new), WebhookSecret::generate(old)];
            let timestamp = now();
            let signature = sign(&secrets, &id, timestamp, body.as_bytes()).unwrap();
            for secret in &secrets {
                prop_assert!(accepted(&secret.to_text(), &id, timestamp, &signature, body.as_bytes()));
            }
            let stranger = WebhookSecret::generate([0; 32]).to_text();
            prop_assert!(!accepted(&stranger, &id, timestamp, &signature, body.as_bytes()));
            let changed = body + "x";
            prop_assert!(!accepted(&secrets[0].to_text(), &id, timestamp, &signature, changed.as_bytes()));
        }
    }
}
