//! What must not be seen of a request, also when the receiver repeats it in its answer, in whatever spelling.
//!
//! An answer is read in several ways at once: as it stands, and with the escapes of URLs, JSON and HTML and with base64
//! undone. Where eight letters of a secret stand in any of these readings, what they are written with is hidden. All of it
//! is linear in the answer (2 KiB) and in the secrets (a header's value, 2 KiB, and a template, 4 KiB).

mod readings;

use self::readings::{BASE64_LETTERS_MIN, Reading};

/// Shorter pieces tell nothing, and are words such as `ios`: hiding them would make answers unreadable.
const LETTERS_MIN: usize = 8;
/// So much of a secret's beginning at the end of an excerpt is hidden too: the excerpt was cut there.
const BEGINNING_BYTES_MIN: usize = 4;
const HIDDEN: &str = "…";

/// Texts that are hidden.
pub(super) struct Mask(Vec<Secret>);

struct Secret {
    text: String,
    /// Hidden however short it is: a value that is only the publisher's and ours.
    is_whole: bool,
}

impl Mask {
    /// Hides the value of a publisher's own header, and what a template says itself behind its host: keys stand there. What
    /// macros put in is no secret of the publisher's.
    pub(super) fn of(url_template: &str, header_value: Option<&str>) -> Self {
        let literals = literals(url_template).filter(|text| text.chars().count() >= LETTERS_MIN);
        let literals = literals.map(|text| Secret { text: text.to_owned(), is_whole: false });
        let header = header_value.filter(|value| !value.is_empty());
        let header = header.map(|value| Secret { text: value.to_owned(), is_whole: true });
        Self(literals.chain(header).collect())
    }

    /// The text without them.
    pub(super) fn hide(&self, text: &str) -> String {
        if self.0.is_empty() || text.is_empty() {
            return text.to_owned();
        }
        let needles = Needles::of(&self.0);
        let mut hidden = vec![false; text.len()];
        for reading in Reading::all(text) {
            needles.mark(&reading, &mut hidden);
        }
        let mut shown = String::with_capacity(text.len());
        let mut was_hidden = false;
        for (at, letter) in text.char_indices() {
            let bytes = hidden.iter().skip(at).take(letter.len_utf8());
            let is_hidden = bytes.copied().any(|byte| byte);
            match (was_hidden, is_hidden) {
                (false, true) => shown.push_str(HIDDEN),
                (_, false) => shown.push(letter),
                (true, true) => {}
            }
            was_hidden = is_hidden;
        }
        shown
    }
}

/// What a template says itself: of its path each segment, of its query each value, of both what stands beside macros; and
/// who calls, should it say so.
fn literals(url_template: &str) -> impl Iterator<Item = &str> {
    let url = url_template.split_once("://").map_or("", |(_scheme, url)| url);
    let url = url.split('#').next().unwrap_or_default();
    let host_ends = url.find(['/', '?']).unwrap_or(url.len());
    let (authority, behind) = url.split_at_checked(host_ends).unwrap_or_default();
    let caller = authority.rsplit_once('@').map_or("", |(caller, _host)| caller);
    let (path, query) = behind.split_once('?').unwrap_or((behind, ""));
    let values = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(_name, value)| value));
    let places = caller.split(':').chain(path.split('/')).chain(values);
    // Between the braces stands the name of a macro.
    places.flat_map(|place| place.split(['{', '}']).step_by(2))
}

/// What is looked for in a reading.
struct Needles {
    /// Every eight bytes in a row, sorted.
    pieces: Vec<[u8; LETTERS_MIN]>,
    /// What is shorter than that.
    short: Vec<Vec<u8>>,
    /// What may be cut at the end of a text.
    cut: Vec<Vec<u8>>,
}

impl Needles {
    fn of(secrets: &[Secret]) -> Self {
        let (mut pieces, mut short, mut cut) = (Vec::new(), Vec::new(), Vec::new());
        for secret in secrets {
            for form in forms(&secret.text) {
                if form.len() >= LETTERS_MIN {
                    pieces.extend(form.windows(LETTERS_MIN).filter_map(|piece| piece.first_chunk().copied()));
                } else if secret.is_whole && form == secret.text.as_bytes() {
                    short.push(form.clone());
                } else {
                    continue;
                }
                cut.push(form);
            }
        }
        pieces.sort_unstable();
        pieces.dedup();
        Self { pieces, short, cut }
    }

    /// Marks the bytes of the text that spell any of it in this reading.
    fn mark(&self, reading: &Reading, hidden: &mut [bool]) {
        let bytes = reading.bytes();
        let is_piece = |window: &[u8]| {
            window.first_chunk().is_some_and(|piece| self.pieces.binary_search(piece).is_ok())
        };
        let mut hide = |first: usize, count: usize| {
            if let Some(place) = reading.place(first, count)
                && let Some(spelled) = hidden.get_mut(place)
            {
                spelled.fill(true);
            }
        };
        for (at, window) in bytes.windows(LETTERS_MIN).enumerate() {
            if is_piece(window) {
                hide(at, LETTERS_MIN);
            }
        }
        for short in &self.short {
            for (at, window) in bytes.windows(short.len()).enumerate() {
                if window == short {
                    hide(at, short.len());
                }
            }
        }
        if !reading.is_to_the_end() {
            return;
        }
        for cut in &self.cut {
            let lengths = (BEGINNING_BYTES_MIN..cut.len().min(LETTERS_MIN)).rev();
            let begun = lengths.filter_map(|length| cut.get(..length)).find(|begun| bytes.ends_with(begun));
            if let Some(begun) = begun {
                hide(bytes.len().saturating_sub(begun.len()), begun.len());
            }
        }
    }
}

/// A secret as it stands, as a receiver reads it, and what its words hold in base64: `Basic …` is a name and a password.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec()];
    let mut add = |form: &[u8]| {
        if !forms.iter().any(|known| known == form) {
            forms.push(form.to_vec());
        }
    };
    for reading in Reading::spellings(secret) {
        add(reading.bytes());
    }
    if secret.len() >= BASE64_LETTERS_MIN {
        for reading in Reading::plain(secret).base64() {
            let is_text =
                std::str::from_utf8(reading.bytes()).is_ok_and(|text| !text.contains(char::is_control));
            if is_text {
                add(reading.bytes());
            }
        }
    }
    forms
}

#[cfg(test)]
mod tests;
