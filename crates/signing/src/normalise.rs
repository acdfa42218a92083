//! From what people paste to the one canonical value: percent-encoding, doubled and missing slashes, outer white space.
//!
//! Runs for every postback, so the usual text, which is canonical already, is read without an allocation.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::percent_decode;

/// Bytes of a segment: credential id, tenant id, generation, key id, nonce.
pub(crate) const SEGMENT_BYTES: usize = 39;
/// Characters of a segment without its slashes. Each carries six bits and none is left over: text and bytes are one to one.
const SEGMENT_CHARACTERS: usize = 52;
/// Bytes of a signature.
pub(crate) const SIGNATURE_BYTES: usize = 32;
/// Characters of the first and second of a segment's three tokens; the third has the other 17.
const FIRST_TOKENS: (usize, usize) = (12, 23);
/// Longest text looked at; a real one has 55 characters, three times encoded less than 100.
const MAX_PASTED: usize = 512;
/// How often a value may have been percent-encoded on its way from our page to us.
const MAX_ENCODINGS: usize = 3;
/// Longest DNS label.
const MAX_LABEL: usize = 63;

/// A segment: what its characters say, and the characters, which are what is signed.
pub(crate) struct Segment {
    pub(crate) bytes: [u8; SEGMENT_BYTES],
    characters: [u8; SEGMENT_CHARACTERS],
}

impl Segment {
    /// What stands in for a segment that is none: it names key 0, which no keyring holds.
    pub(crate) const NONE: Self = Self { bytes: [0; SEGMENT_BYTES], characters: [b'A'; SEGMENT_CHARACTERS] };

    /// The segment that says `bytes`.
    pub(crate) fn of(bytes: [u8; SEGMENT_BYTES]) -> Self {
        let mut characters = [b'A'; SEGMENT_CHARACTERS];
        // The room is what 39 bytes take.
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut characters);
        debug_assert_eq!(written.ok(), Some(SEGMENT_CHARACTERS));
        Self { bytes, characters }
    }

    /// Reads a pasted segment.
    pub(crate) fn read(pasted: &[u8]) -> Option<Self> {
        let mut characters = [0; SEGMENT_CHARACTERS];
        // The alphabet of the tokens has no slash, so slashes carry nothing: any number of them, anywhere, is the same.
        fill(&mut characters, plain(pasted)?.iter().filter(|byte| **byte != b'/'))?;
        Some(Self { bytes: decode(&characters)?, characters })
    }

    /// Its three tokens of 12, 23 and 17 characters.
    pub(crate) fn tokens(&self) -> [&[u8]; 3] {
        let (first, rest) = self.characters.split_at(FIRST_TOKENS.0);
        let (second, third) = rest.split_at(FIRST_TOKENS.1);
        [first, second, third]
    }

    /// The canonical text: the tokens, each followed by a slash.
    pub(crate) fn text(&self) -> String {
        let tokens = self.tokens().map(String::from_utf8_lossy);
        tokens.iter().flat_map(|token| [token.as_ref(), "/"]).collect()
    }
}

/// The bytes of a pasted signature.
pub(crate) fn signature(pasted: &[u8]) -> Option<[u8; SIGNATURE_BYTES]> {
    let plain = plain(pasted)?;
    decode(trim_end(trim(&plain, b'/'), b'='))
}

/// A tenant's domain: a DNS label in lower case.
pub(crate) struct Label {
    letters: [u8; MAX_LABEL],
    length: usize,
}

impl Label {
    /// What stands in for a domain that is none. No tenant has it: it is no label.
    pub(crate) const NONE: Self = Self { letters: [b'?'; MAX_LABEL], length: 1 };

    /// Reads a pasted domain.
    pub(crate) fn read(pasted: &[u8]) -> Option<Self> {
        let plain = plain(pasted)?;
        let label = trim(&plain, b'/');
        let mut letters = [0; MAX_LABEL];
        letters.get_mut(..label.len())?.copy_from_slice(label);
        letters.make_ascii_lowercase();
        let is_label = label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        (is_label && !label.is_empty()).then_some(Self { letters, length: label.len() })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.letters.get(..self.length).unwrap_or_default()
    }
}

/// The text without outer white space and percent-encoding.
fn plain(pasted: &[u8]) -> Option<Cow<'_, [u8]>> {
    if pasted.len() > MAX_PASTED {
        return None;
    }
    let mut text = Cow::Borrowed(trim_blank(pasted)?);
    for _ in 0..MAX_ENCODINGS {
        if !text.contains(&b'%') {
            break;
        }
        let decoded: Vec<u8> = percent_decode(&text).collect();
        text = Cow::Owned(trim_blank(&decoded)?.to_vec());
    }
    Some(text)
}

/// Without outer white space, if it is UTF-8. Also without what a form makes of a space, and without the marks of no width
/// that come along when something is copied from a web page.
fn trim_blank(bytes: &[u8]) -> Option<&[u8]> {
    let is_blank = |letter: char| letter.is_whitespace() || matches!(letter, '+' | '\u{200b}' | '\u{feff}');
    Some(std::str::from_utf8(bytes).ok()?.trim_matches(is_blank).as_bytes())
}

fn trim(bytes: &[u8], outer: u8) -> &[u8] {
    let start = bytes.iter().position(|byte| *byte != outer).unwrap_or(bytes.len());
    trim_end(bytes.get(start..).unwrap_or_default(), outer)
}

fn trim_end(bytes: &[u8], outer: u8) -> &[u8] {
    let last = bytes.iter().rposition(|byte| *byte != outer);
    last.and_then(|last| bytes.get(..=last)).unwrap_or_default()
}

/// Fills `places` with exactly as many bytes.
fn fill<'a, const N: usize>(places: &mut [u8; N], mut bytes: impl Iterator<Item = &'a u8>) -> Option<()> {
    for place in &mut *places {
        *place = *bytes.next()?;
    }
    bytes.next().is_none().then_some(())
}

fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    // The engine refuses stray bits in the last character, so each value has exactly one text.
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (length == N).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_canonical_text_has_three_tokens() {
        let text = Segment::of([0xff; SEGMENT_BYTES]).text();
        let lengths: Vec<usize> = text.split('/').map(str::len).collect();
        assert_eq!(lengths, [12, 23, 17, 0]);
    }

    #[rstest]
    #[case("  Brownboots\n", Some("brownboots"))]
    #[case("\u{200b}Brownboots\u{a0}", Some("brownboots"))]
    #[case("+Brownboots+", Some("brownboots"))]
    #[case("brown%2Dboots/", Some("brown-boots"))]
    #[case("", None)]
    #[case("/", None)]
    #[case("brown.boots", None)]
    #[case("brown\nboots", None)]
    #[case("?", None)]
    fn domains_are_labels_without_case(#[case] pasted: &str, #[case] expected: Option<&str>) {
        let label = Label::read(pasted.as_bytes());
        assert_eq!(label.as_ref().map(Label::as_bytes), expected.map(str::as_bytes));
    }

    #[test]
    fn the_stand_in_is_a_segment_of_the_same_shape() {
        assert_eq!(Segment::NONE.text(), Segment::of(Segment::NONE.bytes).text());
    }

    #[test]
    fn a_label_has_at_most_63_letters() {
        assert!(Label::read(&[b'a'; 63]).is_some());
        assert!(Label::read(&[b'a'; 64]).is_none());
    }

    #[test]
    fn one_character_too_many_or_too_few_is_no_segment() {
        let text = Segment::of([7; SEGMENT_BYTES]).text();
        assert!(Segment::read(text.as_bytes()).is_some());
        assert!(Segment::read(format!("{text}A").as_bytes()).is_none());
        assert!(Segment::read(&text.as_bytes()[1..]).is_none());
    }

    proptest! {
        #[test]
        fn every_pasted_variant_reads_alike(bytes in any::<[u8; SEGMENT_BYTES]>(), slashes in 0_usize..4, encodings in 0_usize..=3) {
            let mut pasted = Segment::of(bytes).text().replace('/', &"/".repeat(slashes));
            for _ in 0..encodings {
                pasted = percent_encoding::utf8_percent_encode(&pasted, percent_encoding::NON_ALPHANUMERIC).to_string();
            }
            // Slashes doubled thrice and encoded thrice are still far below the limit of what is looked at.
            let read = Segment::read(format!("\t {pasted} \n").as_bytes()).unwrap();
            prop_assert_eq!(read.bytes, bytes);
            prop_assert_eq!(read.text(), Segment::of(bytes).text());
        }

        #[test]
        fn nothing_pasted_panics(text in any::<Vec<u8>>()) {
            prop_assert!(Segment::read(&text).is_none() || text.len() >= 52);
            prop_assert!(signature(&text).is_none() || text.len() >= 43);
            prop_assert!(Label::read(&text).is_none_or(|label| !label.as_bytes().is_empty()));
        }
    }
}
