//! Ways to read a text, each byte of which knows where it is spelled.

use std::ops::Range;

/// Escapes of escapes of escapes: a log line of a page in JSON is no deeper.
const PASSES_MAX: usize = 4;
/// Letters of base64 that spell eight bytes.
pub(super) const BASE64_LETTERS_MIN: usize = 11;
/// The longest name between `&` and `;`: `#x10FFFF`.
const ENTITY_BYTES_MAX: usize = 8;

/// Undoes one escape at the beginning: what it spells, and how many bytes it takes.
type Escape = fn(&[u8]) -> Option<(Vec<u8>, usize)>;

/// A text as it is read.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Reading {
    bytes: Vec<u8>,
    /// Where each is spelled: first byte, and the one behind the last.
    places: Vec<(usize, usize)>,
    /// Of the text that is read.
    length: usize,
}

impl Reading {
    /// As it stands.
    pub(super) fn plain(text: &str) -> Self {
        let places = (0..text.len()).map(|at| (at, at.saturating_add(1))).collect();
        Self { bytes: text.as_bytes().to_vec(), places, length: text.len() }
    }

    /// With the escapes of URLs, forms, JSON and HTML undone: each alone, as who wrote it did it, and all of them, until
    /// nothing more is one.
    pub(super) fn spellings(text: &str) -> Vec<Self> {
        let plain = Self::plain(text);
        let alone: [&[Escape]; 4] = [&[percent], &[percent, plus], &[json], &[html]];
        let mut readings: Vec<Self> = alone.iter().map(|escapes| plain.undone(escapes)).collect();
        readings.push(plain.settled(&[percent, json, html]));
        readings.push(plain.settled(&[percent, plus, json, html]));
        readings
    }

    /// Every way in which a text is read.
    pub(super) fn all(text: &str) -> Vec<Self> {
        let plain = Self::plain(text);
        // Base64 has a plus of its own, and an escaped slash.
        let of_base64 = plain.settled(&[percent, json, html]);
        let mut readings = Self::spellings(text);
        if of_base64 != plain {
            readings.extend(of_base64.base64());
        }
        readings.extend(plain.base64());
        readings.push(plain);
        readings
    }

    /// What is read.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where so many bytes from the `first` one on are spelled.
    pub(super) fn place(&self, first: usize, count: usize) -> Option<Range<usize>> {
        let places = self.places.get(first..first.checked_add(count)?)?;
        Some(places.first()?.0..places.last()?.1)
    }

    /// Whether it goes on to the end of the text.
    pub(super) fn is_to_the_end(&self) -> bool {
        self.places.last().is_some_and(|(_, end)| *end == self.length)
    }

    fn empty_of(&self) -> Self {
        Self { bytes: Vec::new(), places: Vec::new(), length: self.length }
    }

    fn undone(&self, escapes: &[Escape]) -> Self {
        let mut undone = self.empty_of();
        let mut at = 0_usize;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let spelled = escapes.iter().find_map(|escape| escape(rest));
            let (letters, taken) = spelled.unwrap_or_else(|| (rest.iter().copied().take(1).collect(), 1));
            if let Some(place) = self.place(at, taken) {
                undone.places.extend(letters.iter().map(|_| (place.start, place.end)));
                undone.bytes.extend(letters);
            }
            at = at.saturating_add(taken);
        }
        undone
    }

    fn settled(&self, escapes: &[Escape]) -> Self {
        let mut settled = self.undone(escapes);
        for _ in 1..PASSES_MAX {
            let next = settled.undone(escapes);
            if next.bytes == settled.bytes {
                break;
            }
            settled = next;
        }
        settled
    }

    /// What every run of base64 (either alphabet, over ends of lines) spells, wherever in it the value begins.
    pub(super) fn base64(&self) -> Vec<Self> {
        let mut readings = Vec::new();
        let mut run: Vec<(u8, (usize, usize))> = Vec::new();
        let letters = self.bytes.iter().copied().zip(self.places.iter().copied());
        // One that is none ends the last run.
        for (letter, place) in letters.chain([(b' ', (self.length, self.length))]) {
            if let Some(sextet) = sextet(letter) {
                run.push((sextet, place));
            } else if letter != b'\r' && letter != b'\n' {
                if run.len() >= BASE64_LETTERS_MIN {
                    readings.extend((0..4).filter_map(|skipped| Some(self.decoded(run.get(skipped..)?))));
                }
                run.clear();
            }
        }
        readings
    }

    fn decoded(&self, run: &[(u8, (usize, usize))]) -> Self {
        let mut decoded = self.empty_of();
        for group in run.chunks(4) {
            let pairs = group.windows(2).zip([(2, 4), (4, 2), (6, 0)]);
            for (pair, (left, right)) in pairs {
                let [(first, (start, _)), (second, (_, end))] = pair else { continue };
                decoded.bytes.push(first.wrapping_shl(left) | second.wrapping_shr(right));
                decoded.places.push((*start, *end));
            }
        }
        decoded
    }
}

fn sextet(letter: u8) -> Option<u8> {
    let (first, base) = match letter {
        b'A'..=b'Z' => (b'A', 0),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'+' | b'-' => return Some(62),
        b'/' | b'_' => return Some(63),
        _ => return None,
    };
    letter.checked_sub(first)?.checked_add(base)
}

fn hex(digits: &[u8]) -> Option<u32> {
    // A sign is none.
    let digits = std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

fn byte(digits: &[u8]) -> Option<Vec<u8>> {
    hex(digits).and_then(|byte| u8::try_from(byte).ok()).map(|byte| vec![byte])
}

fn letter(code: u32) -> Option<Vec<u8>> {
    char::from_u32(code).map(|letter| letter.to_string().into_bytes())
}

fn percent(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let digits = rest.strip_prefix(b"%")?.get(..2)?;
    Some((byte(digits)?, 3))
}

fn plus(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    rest.starts_with(b"+").then(|| (vec![b' '], 1))
}

fn json(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    match rest.strip_prefix(b"\\")? {
        [b'u', digits @ ..] => {
            let unit = hex(digits.get(..4)?)?;
            if let Some(letter) = letter(unit) {
                return Some((letter, 6));
            }
            let low = hex(digits.get(4..)?.strip_prefix(b"\\u")?.get(..4)?)?;
            let units = [u16::try_from(unit).ok()?, u16::try_from(low).ok()?];
            Some((String::from_utf16(&units).ok()?.into_bytes(), 12))
        }
        [b'x', digits @ ..] => Some((byte(digits.get(..2)?)?, 4)),
        [sign @ (b'"' | b'\'' | b'\\' | b'/'), ..] => Some((vec![*sign], 2)),
        _ => None,
    }
}

fn html(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let rest = rest.strip_prefix(b"&")?;
    let length = rest.iter().take(ENTITY_BYTES_MAX.saturating_add(1)).position(|byte| *byte == b';')?;
    let letter = match rest.get(..length)? {
        b"amp" => vec![b'&'],
        b"lt" => vec![b'<'],
        b"gt" => vec![b'>'],
        b"quot" => vec![b'"'],
        b"apos" => vec![b'\''],
        [b'#', b'x' | b'X', digits @ ..] => letter(hex(digits)?)?,
        [b'#', digits @ ..] => {
            let digits = std::str::from_utf8(digits).ok()?;
            letter(digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())??)?
        }
        _ => return None,
    };
    Some((letter, length.saturating_add(2)))
}
