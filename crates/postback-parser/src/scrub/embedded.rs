//! Credentials inside the value of another parameter: a whole URL, JSON text, an EDN map, parameters that somebody
//! joined with `;`.
//!
//! The words alone are no reason: an Event ID may be called `Token: gold`. A name counts where a program would read
//! one, which is after a separator and before `=`, as a quoted key of JSON, or as a keyword of EDN.

use crate::escape::Letter;

/// Names of the values that open a door, by their words.
const SECRETS: [&[&[u8]]; 4] =
    [&[b"signature"], &[b"security", b"segment"], &[b"api", b"token"], &[b"token"]];

/// Tells every stretch that has to go, and what has to stand in its place. `value_at` is where the value begins among
/// the letters of `name=value`.
pub(super) fn cut(letters: &[Letter], value_at: usize, tell: &mut impl FnMut(&[Letter], &[u8])) {
    let mut open = Open::default();
    let mut at = 0;
    while at < letters.len() {
        let place = Place { letters, at, opens_value: at == value_at, open };
        let (kept, next) = match name_at(letters, at).and_then(|after| place.value(after)) {
            Some(Value { content, instead, rest }) => {
                tell(content, instead);
                let next = letters.len().saturating_sub(rest.len());
                (next.saturating_sub(content.len()), next)
            }
            None => (at.saturating_add(1), at.saturating_add(1)),
        };
        // What went counts no more: looked at again, the text is the same.
        open = letters.get(at..kept).unwrap_or_default().iter().fold(open, Open::pass);
        at = next;
    }
}

/// What has begun before a place.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    /// A text in double quotes, which has not ended.
    double: bool,
    /// A text in single quotes, which has not ended.
    single: bool,
    /// Any map.
    map: bool,
}

impl Open {
    const fn pass(self, letter: &Letter) -> Self {
        Self {
            double: self.double ^ (letter.byte == b'"'),
            single: self.single ^ (letter.byte == b'\''),
            map: self.map || letter.byte == b'{',
        }
    }

    /// Whether a byte ends the text that began.
    const fn end_at(self, byte: u8) -> bool {
        match byte {
            b'"' => self.double,
            b'\'' => self.single,
            // It escapes the quote that follows.
            b'\\' => self.double || self.single,
            _ => false,
        }
    }
}

struct Value<'a> {
    content: &'a [Letter],
    instead: &'static [u8],
    rest: &'a [Letter],
}

/// Where the letters after a secret's name begin, when one stands at `at` as a word of its own.
fn name_at(letters: &[Letter], at: usize) -> Option<&[Letter]> {
    let before = letters.get(..at)?.last();
    let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if before.is_some_and(|letter| of_a_name(letter.byte)) {
        return None;
    }
    let rest = letters.get(at..)?;
    SECRETS
        .iter()
        .find_map(|words| skip_words(rest, words))
        .filter(|after| after.first().is_none_or(|letter| !of_a_name(letter.byte)))
}

fn skip_words<'a>(mut rest: &'a [Letter], words: &[&[u8]]) -> Option<&'a [Letter]> {
    for (place, word) in words.iter().enumerate() {
        if place > 0 {
            let joint =
                rest.split_first().filter(|(first, _)| matches!(first.byte, b'_' | b'-' | b' ' | b'+'));
            rest = joint.map_or(rest, |(_, after)| after);
        }
        let (found, after) = rest.split_at_checked(word.len())?;
        if !found.iter().map(|letter| letter.byte.to_ascii_lowercase()).eq(word.iter().copied()) {
            return None;
        }
        rest = after;
    }
    Some(rest)
}

/// Where a name begins.
struct Place<'a> {
    letters: &'a [Letter],
    at: usize,
    /// The parameter's value begins with it.
    opens_value: bool,
    open: Open,
}

impl<'a> Place<'a> {
    fn value(&self, after: &'a [Letter]) -> Option<Value<'a>> {
        self.of_json_member(after).or_else(|| self.of_edn_member(after)).or_else(|| self.of_parameter(after))
    }

    fn before(&self) -> &'a [Letter] {
        self.letters.get(..self.at).unwrap_or_default()
    }

    /// What stands before the name, blanks passed over.
    fn separator(&self) -> Option<u8> {
        self.before().iter().rev().map(|letter| letter.byte).find(|byte| !is_blank(*byte))
    }

    fn opens_member(&self) -> bool {
        self.open.map && matches!(self.separator(), Some(b'{' | b','))
    }

    /// `"name": value`, also when the quotes are escaped themselves, and `{name: value}`.
    fn of_json_member(&self, after: &'a [Letter]) -> Option<Value<'a>> {
        let quote = self.before().last().map(|letter| letter.byte).filter(|byte| is_quote(*byte));
        let after = match quote {
            Some(quote) => {
                let closing = skip(after, |byte| byte == b'\\');
                closing.split_first().filter(|(first, _)| first.byte == quote)?.1
            }
            None => Some(after).filter(|_| self.opens_member())?,
        };
        let after = skip(after, is_space).split_first().filter(|(first, _)| first.byte == b':')?.1;
        Some(member_value(skip(after, is_space)))
    }

    /// `{:name value}`.
    fn of_edn_member(&self, after: &'a [Letter]) -> Option<Value<'a>> {
        self.before().last().filter(|last| last.byte == b':' && self.open.map)?;
        after.first().filter(|first| is_space(first.byte))?;
        Some(member_value(skip(after, is_space)))
    }

    /// `name=value` after a separator, or where the whole value or text begins.
    fn of_parameter(&self, after: &'a [Letter]) -> Option<Value<'a>> {
        let separated =
            self.separator().is_none_or(|byte| matches!(byte, b'&' | b';' | b'?' | b'#' | b'\n' | b'\r'));
        if !separated && !self.opens_value && !self.opens_member() {
            return None;
        }
        let after = skip(after, |byte| is_space(byte) || matches!(byte, b'[' | b']'));
        let after = after.split_first().filter(|(first, _)| first.byte == b'=')?.1;
        // Not over the end of a line: what stands there is the next parameter.
        let after = skip(after, is_blank);
        let ends = |byte: u8| {
            matches!(byte, b'&' | b';' | b'\n' | b'\r')
                || self.open.map && byte == b','
                || self.open.end_at(byte)
        };
        let own_quotes =
            after.first().is_some_and(|first| !ends(first.byte)).then(|| quoted(after)).flatten();
        Some(own_quotes.unwrap_or_else(|| {
            let (content, rest) = split_where(after, ends);
            Value { content, instead: b"", rest }
        }))
    }
}

fn member_value(value: &[Letter]) -> Value<'_> {
    if let Some(quoted) = quoted(value) {
        return quoted;
    }
    if value.first().is_some_and(|first| matches!(first.byte, b'{' | b'[' | b'(' | b'#')) {
        // Its end can not be told for certain under escapes: better no evidence than a leak.
        return Value { content: value, instead: b"null", rest: &[] };
    }
    let (content, rest) =
        split_where(value, |byte| matches!(byte, b',' | b'}' | b']' | b'&') || is_space(byte));
    Value { content, instead: b"null", rest }
}

/// A quoted text ends at the first quote that has no more backslashes before it than the opening one.
fn quoted(value: &[Letter]) -> Option<Value<'_>> {
    let opening = skip(value, |byte| byte == b'\\');
    let depth = value.len().saturating_sub(opening.len());
    let (quote, inner) = opening.split_first().filter(|(first, _)| is_quote(first.byte))?;
    let mut backslashes = 0_usize;
    for (place, letter) in inner.iter().enumerate() {
        if letter.byte == quote.byte && backslashes <= depth {
            let end = place.saturating_sub(backslashes);
            let (content, rest) = inner.split_at_checked(end)?;
            return Some(Value { content, instead: b"", rest });
        }
        backslashes = if letter.byte == b'\\' { backslashes.saturating_add(1) } else { 0 };
    }
    Some(Value { content: inner, instead: b"", rest: &[] })
}

const fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'+' | b'\t')
}

const fn is_space(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b'\n' | b'\r')
}

fn skip(letters: &[Letter], skipped: impl Fn(u8) -> bool) -> &[Letter] {
    let end = letters.iter().position(|letter| !skipped(letter.byte)).unwrap_or(letters.len());
    letters.get(end..).unwrap_or_default()
}

fn split_where(letters: &[Letter], ends: impl Fn(u8) -> bool) -> (&[Letter], &[Letter]) {
    let end = letters.iter().position(|letter| ends(letter.byte)).unwrap_or(letters.len());
    letters.split_at_checked(end).unwrap_or((letters, &[]))
}
