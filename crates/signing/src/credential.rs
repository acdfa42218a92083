//! The postback credential: Security Segment, Domain, Signature.
//!
//! The segment carries what a verifier needs (credential id, tenant id, generation, key id, nonce) as 39 bytes of
//! base64url, cut into tokens of 12, 23 and 17 characters. The signature is HMAC-SHA256, under the server key the segment
//! names, over the lower-cased domain, a line feed and the canonical segment. Nothing is looked up and nothing is stored.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{CredentialId, TenantId};
use secrecy::SecretString;
use subtle::Choice;
use uuid::Uuid;

use crate::{
    keyring::Keyring,
    mac::{Mac, MacKey},
    normalise::{self, Label, SEGMENT_BYTES, SIGNATURE_BYTES, Segment},
};

/// The values to paste into AppsFlyer, beside the domain.
pub struct Credential {
    /// Three tokens, each followed by a slash; goes right after `/api/v1/`.
    pub segment: String,
    /// 43 characters of base64url; goes into `signature=`.
    pub signature: SecretString,
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Credential([redacted])")
    }
}

/// Whose postback it is. The generation is genuine; whether it is still valid is for the caller to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifiedCredential {
    /// The credential.
    pub credential_id: CredentialId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Which generation of it.
    pub generation: u16,
}

/// The segment, domain and signature do not belong together. Which of them is wrong is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the credential is not valid")]
pub struct Refused;

/// Issues a credential under the keyring's current key. The same arguments give the same values.
#[must_use]
pub fn issue(
    keyring: &Keyring,
    domain: &str,
    credential_id: CredentialId,
    tenant_id: TenantId,
    generation: u16,
    nonce: [u8; 4],
) -> Credential {
    let (key_id, key) = keyring.current();
    let segment = Segment::of(Parts { credential_id, tenant_id, generation, key_id, nonce }.to_bytes());
    Credential { segment: segment.text(), signature: text_of(&sign_for(key, domain, &segment)) }
}

/// The segment of a generation that was issued with these values. With [`signature_of`] it brings back all of what
/// [`issue`] gave, also under a key that is no longer the current one, so neither needs to be stored.
#[must_use]
pub fn segment_of(
    credential_id: CredentialId,
    tenant_id: TenantId,
    generation: u16,
    key_id: u8,
    nonce: [u8; 4],
) -> String {
    Segment::of(Parts { credential_id, tenant_id, generation, key_id, nonce }.to_bytes()).text()
}

/// Derives the signature of an issued segment again, to show it: signatures are never stored, and the segment names the
/// key it was issued under, which may no longer be the current one.
///
/// # Errors
/// [`Refused`] when the segment is malformed or its key is no longer in the keyring.
pub fn signature_of(keyring: &Keyring, domain: &str, segment: &str) -> Result<SecretString, Refused> {
    let segment = Segment::read(segment.as_bytes()).ok_or(Refused)?;
    let key = keyring.find(Parts::from_bytes(&segment.bytes).key_id).ok_or(Refused)?;
    Ok(text_of(&sign_for(key, domain, &segment)))
}

/// Checks the three values of an inbound postback, as pasted; bytes of a URL need not be decoded before.
///
/// Does the same work for a malformed text, an unknown tenant, an unknown key id and a wrong signature: each is replaced by
/// a decoy of the same size, one signature is computed and compared in constant time, and only then is anything decided.
/// Whatever the domain, the signed text fills exactly two blocks of the hash.
///
/// # Errors
/// [`Refused`], without a word on what was wrong.
pub fn verify(
    keyring: &Keyring,
    domain: impl AsRef<[u8]>,
    segment: impl AsRef<[u8]>,
    signature: impl AsRef<[u8]>,
) -> Result<VerifiedCredential, Refused> {
    let (segment, segment_is_well_formed) = or_decoy(Segment::read(segment.as_ref()), Segment::NONE);
    let (signature, signature_is_well_formed) =
        or_decoy(normalise::signature(signature.as_ref()), [0; SIGNATURE_BYTES]);
    let (domain, domain_is_well_formed) = or_decoy(Label::read(domain.as_ref()), Label::NONE);

    let parts = Parts::from_bytes(&segment.bytes);
    let (key, key_is_known) = keyring.find_or_decoy(parts.key_id);
    let expected = sign(key, domain.as_bytes(), &segment);

    let genuine = expected.begins_with(&signature)
        & segment_is_well_formed
        & signature_is_well_formed
        & domain_is_well_formed
        & key_is_known;
    if bool::from(genuine) {
        Ok(VerifiedCredential {
            credential_id: parts.credential_id,
            tenant_id: parts.tenant_id,
            generation: parts.generation,
        })
    } else {
        Err(Refused)
    }
}

/// Signs for a domain as its owner writes it.
fn sign_for(key: &MacKey, domain: &str, segment: &Segment) -> Mac {
    sign(key, domain.trim().to_ascii_lowercase().as_bytes(), segment)
}

fn sign(key: &MacKey, lowercase_domain: &[u8], segment: &Segment) -> Mac {
    let [first, second, third] = segment.tokens();
    key.sign(&[lowercase_domain, b"\n", first, b"/", second, b"/", third, b"/"])
}

fn text_of(signature: &Mac) -> SecretString {
    SecretString::from(URL_SAFE_NO_PAD.encode(signature.reveal()))
}

fn or_decoy<T>(parsed: Option<T>, decoy: T) -> (T, Choice) {
    parsed.map_or((decoy, Choice::from(0)), |value| (value, Choice::from(1)))
}

/// What a segment's 39 bytes say.
struct Parts {
    credential_id: CredentialId,
    tenant_id: TenantId,
    generation: u16,
    key_id: u8,
    nonce: [u8; 4],
}

impl Parts {
    fn to_bytes(&self) -> [u8; SEGMENT_BYTES] {
        let fields = self
            .credential_id
            .as_uuid()
            .into_bytes()
            .into_iter()
            .chain(self.tenant_id.as_uuid().into_bytes())
            .chain(self.generation.to_be_bytes())
            .chain([self.key_id])
            .chain(self.nonce);
        let mut bytes = [0; SEGMENT_BYTES];
        for (to, from) in bytes.iter_mut().zip(fields) {
            *to = from;
        }
        bytes
    }

    fn from_bytes(bytes: &[u8; SEGMENT_BYTES]) -> Self {
        let mut rest = bytes.iter().copied();
        Self {
            credential_id: CredentialId::from_uuid(Uuid::from_bytes(take(&mut rest))),
            tenant_id: TenantId::from_uuid(Uuid::from_bytes(take(&mut rest))),
            generation: u16::from_be_bytes(take(&mut rest)),
            key_id: u8::from_be_bytes(take(&mut rest)),
            nonce: take(&mut rest),
        }
    }
}

fn take<const N: usize>(bytes: &mut impl Iterator<Item = u8>) -> [u8; N] {
    std::array::from_fn(|_| bytes.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::keyring::tests::keyring;

    const DOMAIN: &str = "Brownboots";

    fn ids() -> (CredentialId, TenantId) {
        (CredentialId::from_uuid(Uuid::from_u128(0xC0FE)), TenantId::from_uuid(Uuid::from_u128(0xBEEF)))
    }

    fn issued(keyring: &Keyring) -> (String, String) {
        let (credential, tenant) = ids();
        let credential = issue(keyring, DOMAIN, credential, tenant, 3, [1, 2, 3, 4]);
        (credential.segment, credential.signature.expose_secret().to_owned())
    }

    #[test]
    fn what_was_issued_verifies_and_says_whose_it_is() {
        let ring = keyring(&[(1, 7)]);
        let (segment, signature) = issued(&ring);
        let (credential_id, tenant_id) = ids();
        assert_eq!(signature.len(), 43);
        assert_eq!(
            verify(&ring, "bROWNBOOTS", &segment, &signature),
            Ok(VerifiedCredential { credential_id, tenant_id, generation: 3 })
        );
    }

    #[rstest]
    #[case::no_trailing_slash(|segment: &str| segment.trim_end_matches('/').to_owned())]
    #[case::leading_slash(|segment: &str| format!("/{segment}"))]
    #[case::doubled_slashes(|segment: &str| segment.replace('/', "//"))]
    #[case::no_slashes(|segment: &str| segment.replace('/', ""))]
    #[case::encoded(|segment: &str| segment.replace('/', "%2F").replace('-', "%2d"))]
    #[case::encoded_twice(|segment: &str| segment.replace('/', "%252F"))]
    #[case::white_space(|segment: &str| format!(" {segment}\n"))]
    #[case::encoded_white_space(|segment: &str| format!("%20{segment}%0A"))]
    #[case::a_space_of_a_form(|segment: &str| format!("+{segment}+"))]
    #[case::marks_of_no_width(|segment: &str| format!("\u{feff}{segment}\u{200b}"))]
    #[case::a_missing_slash(|segment: &str| segment.replacen('/', "", 1))]
    #[case::everything_at_once(|segment: &str| format!(" %20//{}", segment.replace('/', "%252F%252F")))]
    fn pasted_variants_are_accepted(#[case] paste: fn(&str) -> String) {
        let ring = keyring(&[(1, 7)]);
        let (segment, signature) = issued(&ring);
        for signature in [signature.clone(), format!(" {signature} "), format!("%20{signature}%3D/")] {
            assert!(verify(&ring, DOMAIN, paste(&segment), signature).is_ok());
        }
    }

    #[test]
    fn a_rotated_key_still_verifies_and_shows_what_it_issued() {
        let (segment, signature) = issued(&keyring(&[(1, 7)]));
        let rotated = keyring(&[(2, 9), (1, 7)]);
        assert!(verify(&rotated, DOMAIN, &segment, &signature).is_ok());
        assert_eq!(signature_of(&rotated, DOMAIN, &segment).unwrap().expose_secret(), signature);

        let retired = keyring(&[(2, 9)]);
        assert_eq!(verify(&retired, DOMAIN, &segment, &signature), Err(Refused));
        assert!(signature_of(&retired, DOMAIN, &segment).is_err());
    }

    #[test]
    fn what_was_issued_is_derived_again_from_its_parts_after_the_key_was_rotated() {
        let ring = keyring(&[(1, 7)]);
        let (segment, signature) = issued(&ring);
        let (credential, tenant) = ids();
        let again = segment_of(credential, tenant, 3, ring.current_id(), [1, 2, 3, 4]);
        assert_eq!(again, segment);
        let rotated = keyring(&[(2, 9), (1, 7)]);
        assert_eq!(signature_of(&rotated, DOMAIN, &again).unwrap().expose_secret(), signature);
    }

    #[test]
    fn another_domain_another_key_and_an_empty_value_are_refused() {
        let ring = keyring(&[(1, 7)]);
        let (segment, signature) = issued(&ring);
        assert_eq!(verify(&ring, "other", &segment, &signature), Err(Refused));
        assert_eq!(verify(&keyring(&[(1, 8)]), DOMAIN, &segment, &signature), Err(Refused));
        assert_eq!(verify(&ring, DOMAIN, &segment, ""), Err(Refused));
        assert_eq!(verify(&ring, DOMAIN, "", &signature), Err(Refused));
        assert_eq!(verify(&ring, "", &segment, &signature), Err(Refused));
        assert_eq!(verify(&ring, DOMAIN, &segment, "A".repeat(1 << 20)), Err(Refused));
        assert_eq!(verify(&ring, b"\xff", &segment, &signature), Err(Refused));
        assert_eq!(verify(&ring, DOMAIN, &segment, b"\0\xff"), Err(Refused));
    }

    #[test]
    fn a_domain_can_not_reach_into_the_segment() {
        // The line feed between them is not a character of a label.
        let ring = keyring(&[(1, 7)]);
        let (segment, signature) = issued(&ring);
        assert!(verify(&ring, format!("{DOMAIN}\n"), format!("\n{segment}"), &signature).is_ok());
        assert_eq!(verify(&ring, format!("{DOMAIN}\nx"), &segment, &signature), Err(Refused));
    }

    #[test]
    fn debug_shows_nothing() {
        let (credential, tenant) = ids();
        let credential = issue(&keyring(&[(1, 7)]), DOMAIN, credential, tenant, 3, [0; 4]);
        assert_eq!(format!("{credential:?}"), "Credential([redacted])");
    }

    const GUIDE_SEGMENT: &str = "ZM-A9KxR5TQ2/Zu4Wn-8PmFJ7BqC6tHDrN0V/L5EoG2SxM9pTQaU3W/";
    const GUIDE_SIGNATURE: &str = "7FqR9KxD2WmA5N0B1TgYJcZs8vL3X4UeP-MH6tQEkdS";
    /// How the guide's domain, or any other, may be written.
    const GUIDE_DOMAINS: [&str; 5] =
        ["Brownboots", "brownboots", "BROWNBOOTS", "%42rownboots ", "bROWNbOOTS"];

    #[test]
    fn the_guides_values_can_not_be_made_valid_by_any_choice_of_keys() {
        // The segment names key 148, which no keyring can hold; the signature is not the text of any 32 bytes.
        let segment = Segment::read(GUIDE_SEGMENT.as_bytes()).unwrap();
        assert_eq!(Parts::from_bytes(&segment.bytes).key_id, 148);
        assert_eq!(normalise::signature(GUIDE_SIGNATURE.as_bytes()), None);
        let text = SecretString::from(format!("148:{}", URL_SAFE_NO_PAD.encode([7; 32])));
        assert!(Keyring::parse(&text).is_err());
        for id in 1..=15 {
            let ring = keyring(&[(id, 7)]);
            let signed = text_of(&sign_for(ring.current().1, "brownboots", &segment));
            for domain in GUIDE_DOMAINS {
                for pasted in
                    [GUIDE_SEGMENT, &GUIDE_SEGMENT.replace('/', ""), &GUIDE_SEGMENT.replace('/', "%2F")]
                {
                    assert_eq!(verify(&ring, domain, pasted, GUIDE_SIGNATURE), Err(Refused));
                    // Not even with what that key would sign.
                    assert_eq!(verify(&ring, domain, pasted, signed.expose_secret()), Err(Refused));
                }
            }
        }
    }

    #[test]
    fn the_guides_signature_opens_no_segment_and_its_segment_takes_no_signature() {
        let ring = keyring(&[(1, 7)]);
        let (segment, signature) = issued(&ring);
        for domain in GUIDE_DOMAINS {
            assert!(verify(&ring, domain, &segment, &signature).is_ok());
            assert_eq!(verify(&ring, domain, &segment, GUIDE_SIGNATURE), Err(Refused));
            assert_eq!(verify(&ring, domain, GUIDE_SEGMENT, &signature), Err(Refused));
        }
    }

    /// SHA-256 takes 64 bytes at a time and 9 to end: the signed text must need two blocks whatever the domain's length.
    #[test]
    fn every_domain_costs_the_same_two_blocks() {
        let behind_the_domain = 1 + Segment::NONE.text().len();
        for domain in [Label::NONE.as_bytes().len(), 1, 63] {
            assert_eq!((domain + behind_the_domain + 9).div_ceil(64), 2);
        }
    }

    proptest! {
        #[test]
        fn the_guides_printed_values_are_refused_under_every_key(id in 1_u8..=15, key in any::<u8>()) {
            for domain in GUIDE_DOMAINS {
                prop_assert_eq!(verify(&keyring(&[(id, key)]), domain, GUIDE_SEGMENT, GUIDE_SIGNATURE), Err(Refused));
            }
        }

        #[test]
        fn one_changed_character_is_refused(position in 0_usize..98, changed in "[A-Za-z0-9_-]") {
            let ring = keyring(&[(1, 7)]);
            let (segment, signature) = issued(&ring);
            let mut both = format!("{segment}{signature}");
            prop_assume!(both.get(position..=position) != Some("/"));
            prop_assume!(both.get(position..=position) != Some(&changed));
            both.replace_range(position..=position, &changed);
            let (segment, signature) = both.split_at(55);
            prop_assert_eq!(verify(&ring, DOMAIN, segment, signature), Err(Refused));
        }

        #[test]
        fn every_issued_segment_is_derived_again(
            credential in any::<u128>(),
            tenant in any::<u128>(),
            generation in any::<u16>(),
            key_id in 1_u8..=15,
            nonce in any::<[u8; 4]>(),
        ) {
            let credential = CredentialId::from_uuid(Uuid::from_u128(credential));
            let tenant = TenantId::from_uuid(Uuid::from_u128(tenant));
            let given = issue(&keyring(&[(key_id, 7)]), DOMAIN, credential, tenant, generation, nonce);
            prop_assert_eq!(segment_of(credential, tenant, generation, key_id, nonce), given.segment);
        }

        #[test]
        fn parts_survive_their_bytes(bytes in any::<[u8; SEGMENT_BYTES]>()) {
            prop_assert_eq!(Parts::from_bytes(&bytes).to_bytes(), bytes);
        }

        #[test]
        fn no_text_is_accepted_or_panics(domain in any::<Vec<u8>>(), segment in any::<Vec<u8>>(), signature in any::<Vec<u8>>()) {
            prop_assert_eq!(verify(&keyring(&[(1, 7)]), &domain, &segment, &signature), Err(Refused));
        }
    }
}
