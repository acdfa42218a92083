//! HMAC-SHA256: the one primitive below every signature here.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::zeroize::Zeroize as _;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// Bytes of a SHA-256 block; HMAC pads or hashes its key to this size.
const BLOCK: usize = 64;

/// A key that is ready to sign: the hash's states behind the two padded blocks of RFC 2104, so that a signature costs the
/// message alone. As secret as the key it was made of; wiped when dropped (`sha2`'s feature `zeroize`).
pub(crate) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// Makes a key of any number of bytes ready.
    pub(crate) fn new(key: &[u8]) -> Self {
        // Padding the key here, as RFC 2104 says, keeps this total: the library's constructor for slices returns a Result
        // that can not fail.
        let mut block = [0_u8; BLOCK];
        let hashed;
        let short = if key.len() > BLOCK {
            hashed = Sha256::digest(key);
            hashed.as_slice()
        } else {
            key
        };
        for (to, from) in block.iter_mut().zip(short) {
            *to = *from;
        }
        let ready = Self(Hmac::new(&block.into()));
        block.zeroize();
        ready
    }

    /// Signs the concatenated `parts`.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Mac {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        Mac(mac.finalize().into_bytes().into())
    }
}

/// HMAC-SHA256 of the concatenated `parts` under a key that is used once.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Mac {
    MacKey::new(key).sign(parts)
}

/// A signature that was computed here. What it is compared with comes from outside, so there is no `==`; wiped when dropped.
pub(crate) struct Mac([u8; 32]);

impl Mac {
    /// Whether `given` begins this signature (all of it, mostly), in time that does not depend on where they differ.
    pub(crate) fn begins_with<const N: usize>(&self, given: &[u8; N]) -> Choice {
        self.0.get(..N).unwrap_or_default().ct_eq(given)
    }

    /// The bytes, to be handed out.
    pub(crate) fn reveal(&self) -> [u8; 32] {
        self.0
    }
}

impl Drop for Mac {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// RFC 4231, cases 1, 2, 3 and 6 (a key longer than a block).
    #[rstest]
    #[case(&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")]
    #[case(
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )]
    #[case(&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe")]
    #[case(
        &[0xaa; 131],
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    )]
    fn the_vectors_of_rfc_4231_hold(#[case] key: &[u8], #[case] message: &[u8], #[case] expected: &str) {
        let key = MacKey::new(key);
        for _again in 0..2 {
            assert_eq!(hex::encode(key.sign(&[message]).reveal()), expected);
        }
    }

    #[test]
    fn parts_are_joined() {
        assert_eq!(hmac_sha256(b"k", &[b"ab", b"", b"c"]).reveal(), hmac_sha256(b"k", &[b"abc"]).reveal());
    }

    #[test]
    fn only_the_same_bytes_are_the_beginning() {
        let mac = hmac_sha256(b"k", &[b"abc"]);
        let [first, second, third, fourth, ..] = mac.reveal();
        assert!(bool::from(mac.begins_with(&mac.reveal())));
        assert!(bool::from(mac.begins_with(&[first, second, third, fourth])));
        assert!(!bool::from(mac.begins_with(&[first, second, third, !fourth])));
        assert!(!bool::from(mac.begins_with(&[0; 33])), "longer than a signature is");
    }
}
