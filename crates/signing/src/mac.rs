//! HMAC-SHA256 over the parts of a message: the one primitive below every signature here.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Bytes of a SHA-256 block; HMAC pads or hashes its key to this size.
const BLOCK: usize = 64;

/// HMAC-SHA256 of the concatenated `parts`.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
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
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
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
        assert_eq!(hex::encode(hmac_sha256(key, &[message])), expected);
    }

    #[test]
    fn parts_are_joined() {
        assert_eq!(hmac_sha256(b"k", &[b"ab", b"", b"c"]), hmac_sha256(b"k", &[b"abc"]));
    }
}
