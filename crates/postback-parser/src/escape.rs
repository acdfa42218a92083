//! Text under escapes: what is spelled `%73`, `%2573` or `\u0073` reads as `s`.
//!
//! Values are decoded once and no more. Whether a name hides a credential, and whether a value is a macro that nobody
//! replaced, is asked of everything that decoding again could make of them. Linear in the length of the text.

/// One character of ASCII, or one byte of anything else, and where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) byte: u8,
    pub(crate) from: usize,
    pub(crate) until: usize,
}

/// What stands for a character beyond ASCII that is written as an escape.
const BEYOND_ASCII: u8 = 0xFF;

/// Takes off all percent-escapes, however often they were encoded, and after them JSON's `\u`, `\n`, `\r` and `\t`.
pub(crate) fn peel(raw: &[u8]) -> Vec<Letter> {
    let mut letters: Vec<Letter> = percent_letters(raw).collect();
    if letters.iter().any(|letter| letter.byte == b'\\') {
        unescape(&mut letters);
    }
    letters
}

/// Takes off all percent-escapes, however often they were encoded.
pub(crate) fn peel_percent(raw: &[u8]) -> Vec<u8> {
    percent_letters(raw).map(|letter| letter.byte).collect()
}

fn percent_letters(raw: &[u8]) -> impl Iterator<Item = Letter> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        let (first, tail) = rest.split_first()?;
        let from = raw.len().saturating_sub(rest.len());
        let (byte, after) =
            (*first == b'%').then(|| percent_escape(tail)).flatten().unwrap_or((*first, tail));
        rest = after;
        Some(Letter { byte, from, until: raw.len().saturating_sub(after.len()) })
    })
}

/// Reads what follows a `%`: `73`, or `2573`, or `252573`.
fn percent_escape(mut tail: &[u8]) -> Option<(u8, &[u8])> {
    while let [b'2', b'5', inner @ ..] = tail
        && hex_pair(inner).is_some()
    {
        tail = inner;
    }
    hex_pair(tail)
}

/// The byte that two hexadecimal digits spell, and what follows them.
pub(crate) fn hex_pair(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = text.split_at_checked(2)?;
    Some((u8::try_from(hex(digits.iter().copied())?).ok()?, rest))
}

pub(crate) fn hex(digits: impl Iterator<Item = u8>) -> Option<u32> {
    digits
        .into_iter()
        .try_fold(0_u32, |number, digit| number.checked_mul(16)?.checked_add(char::from(digit).to_digit(16)?))
}

fn unescape(letters: &mut Vec<Letter>) {
    let mut kept = Vec::with_capacity(letters.len());
    let mut rest = letters.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        let (letter, after) = backslash_escape(*first, tail).unwrap_or((*first, tail));
        kept.push(letter);
        rest = after;
    }
    *letters = kept;
}

fn backslash_escape(first: Letter, tail: &[Letter]) -> Option<(Letter, &[Letter])> {
    let (mark, after) = tail.split_first().filter(|_| first.byte == b'\\')?;
    let (byte, last, after) = match mark.byte {
        b'n' => (b'\n', mark, after),
        b'r' => (b'\r', mark, after),
        b't' => (b'\t', mark, after),
        b'u' => {
            let (digits, after) = after.split_at_checked(4)?;
            let code = hex(digits.iter().map(|digit| digit.byte))?;
            let byte = u8::try_from(code).ok().filter(u8::is_ascii).unwrap_or(BEYOND_ASCII);
            (byte, digits.last()?, after)
        }
        _ => return None,
    };
    Some((Letter { byte, from: first.from, until: last.until }, after))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("plain", "plain")]
    #[case("%73%49g", "sIg")]
    #[case("%2573ig", "sig")]
    #[case("%25252573ig", "sig")]
    #[case("\\u0073ig", "sig")]
    #[case("%5Cu0073ig", "sig")]
    #[case("\\\\u0073", "\\s")]
    #[case("100%", "100%")]
    #[case("%", "%")]
    #[case("%zz%2", "%zz%2")]
    #[case("%25", "%")]
    #[case("%25zz", "%zz")]
    #[case("\\u00", "\\u00")]
    #[case("a\\nb\\/", "a\nb\\/")]
    fn layers_come_off(#[case] raw: &str, #[case] peeled: &str) {
        let letters = peel(raw.as_bytes());
        assert_eq!(String::from_utf8(letters.iter().map(|letter| letter.byte).collect()).unwrap(), peeled);
        // The places cover the text without a gap.
        let mut reached = 0;
        for letter in &letters {
            assert_eq!(letter.from, reached);
            reached = letter.until;
        }
        assert_eq!(reached, raw.len());
    }

    #[test]
    fn a_tower_of_escapes_is_one_step() {
        let tower = format!("%{}41", "25".repeat(100_000));
        assert_eq!(peel_percent(tower.as_bytes()), b"A");
    }
}
