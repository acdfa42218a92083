//! From what people paste to the one canonical text: percent-encoding, doubled and missing slashes, outer white space.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;

/// Bytes of a segment: credential id, tenant id, generation, key id, nonce.
pub(crate) const SEGMENT_BYTES: usize = 39;
/// Where the 52 characters of a segment are cut into its three tokens.
const TOKEN_ENDS: [usize; 2] = [12, 35];
/// Longest text looked at; a real one has 55 characters, three times encoded less than 100.
const MAX_PASTED: usize = 512;
/// How often a value may have been percent-encoded on its way from our page to us.
const MAX_ENCODINGS: usize = 3;
/// Longest DNS label.
const MAX_LABEL: usize = 63;

/// The bytes of a pasted segment.
pub(crate) fn segment(pasted: &str) -> Option<[u8; SEGMENT_BYTES]> {
    // The alphabet of the tokens has no slash, so slashes carry nothing: any number of them, anywhere, is the same.
    let tokens: String = plain(pasted)?.split('/').collect();
    decode(&tokens)
}

/// The bytes of a pasted signature.
pub(crate) fn signature(pasted: &str) -> Option<[u8; 32]> {
    decode(plain(pasted)?.trim_matches('/').trim_end_matches('='))
}

/// The lower-cased label of a pasted domain.
pub(crate) fn domain(pasted: &str) -> Option<String> {
    let label = plain(pasted)?.trim_matches('/').to_ascii_lowercase();
    let fits = !label.is_empty() && label.len() <= MAX_LABEL;
    let is_label = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (fits && is_label).then_some(label)
}

/// The canonical text of a segment: three tokens of 12, 23 and 17 characters, each followed by a slash.
pub(crate) fn segment_text(bytes: &[u8; SEGMENT_BYTES]) -> String {
    let mut text = String::with_capacity(55);
    for (character, position) in URL_SAFE_NO_PAD.encode(bytes).chars().zip(0_usize..) {
        if TOKEN_ENDS.contains(&position) {
            text.push('/');
        }
        text.push(character);
    }
    text.push('/');
    text
}

fn plain(pasted: &str) -> Option<Cow<'_, str>> {
    if pasted.len() > MAX_PASTED {
        return None;
    }
    let mut text = Cow::Borrowed(pasted.trim());
    for _ in 0..MAX_ENCODINGS {
        if !text.contains('%') {
            break;
        }
        let decoded = percent_decode_str(&text).decode_utf8().ok()?.trim().to_owned();
        text = Cow::Owned(decoded);
    }
    Some(text)
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    // The engine refuses stray bits in the last character, so each value has exactly one text.
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_canonical_text_has_three_tokens() {
        let text = segment_text(&[0xff; SEGMENT_BYTES]);
        let lengths: Vec<usize> = text.split('/').map(str::len).collect();
        assert_eq!(lengths, [12, 23, 17, 0]);
    }

    #[rstest]
    #[case("  Brownboots\n", Some("brownboots"))]
    #[case("brown%2Dboots/", Some("brown-boots"))]
    #[case("", None)]
    #[case("brown.boots", None)]
    #[case("brown\nboots", None)]
    fn domains_are_labels_without_case(#[case] pasted: &str, #[case] expected: Option<&str>) {
        assert_eq!(domain(pasted).as_deref(), expected);
    }

    proptest! {
        #[test]
        fn every_pasted_variant_reads_alike(bytes in any::<[u8; SEGMENT_BYTES]>(), slashes in 0_usize..4, encodings in 0_usize..=3) {
            let mut pasted = segment_text(&bytes).replace('/', &"/".repeat(slashes));
            for _ in 0..encodings {
                pasted = percent_encoding::utf8_percent_encode(&pasted, percent_encoding::NON_ALPHANUMERIC).to_string();
            }
            // Slashes doubled thrice and encoded thrice are still far below the limit of what is looked at.
            prop_assert_eq!(segment(&format!("\t {pasted} \n")), Some(bytes));
        }

        #[test]
        fn nothing_pasted_panics(text in any::<String>()) {
            prop_assert!(segment(&text).is_none() || text.len() >= 52);
            drop((signature(&text), domain(&text)));
        }
    }
}
