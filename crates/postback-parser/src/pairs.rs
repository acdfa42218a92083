//! The request becomes one list of named values: the query's first, then the body's.

use std::collections::BTreeSet;

use crate::{
    json,
    note::Note,
    request::{BodyKind, MAX_INPUT_BYTES, MAX_PARAMETERS, Request, body_kind, trimmed},
    scrub,
    text::{Cleaned, clean, decode_component},
};

/// The name under which a body that nobody can read is kept.
const RAW_BODY: &str = "_body";

/// Parameters in the order in which they came, and what was odd about them.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pub(crate) list: Vec<(String, String)>,
    /// Each once, in a fixed order.
    odd: BTreeSet<Oddity>,
}

/// What can be odd about a request as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Oddity {
    Nul,
    BadUtf8,
    UnreadableBody,
    Truncated,
}

impl Pairs {
    pub(crate) fn read(request: &Request<'_>) -> Self {
        let mut pairs = Self::default();
        let query = pairs.bounded(request.query);
        pairs.form(query.strip_prefix(b"?").unwrap_or(query));
        let body = pairs.bounded(request.body);
        match body_kind(request.content_type, body) {
            BodyKind::Empty => {}
            BodyKind::Form => pairs.form(trimmed(body)),
            BodyKind::Json => pairs.json(body),
            BodyKind::Unknown => pairs.keep_body(body),
        }
        pairs
    }

    pub(crate) fn notes(&self) -> Vec<Note> {
        self.odd
            .iter()
            .map(|oddity| match oddity {
                Oddity::Nul => Note::NulReplaced,
                Oddity::BadUtf8 => Note::BadUtf8Replaced,
                Oddity::UnreadableBody => Note::UnreadableBody,
                Oddity::Truncated => Note::Truncated,
            })
            .collect()
    }

    fn bounded<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.split_at_checked(MAX_INPUT_BYTES).map_or(bytes, |(kept, rest)| {
            self.remember(!rest.is_empty(), Oddity::Truncated);
            kept
        })
    }

    fn form(&mut self, bytes: &[u8]) {
        for part in bytes.split(|byte| *byte == b'&').filter(|part| !part.is_empty()) {
            let (name, value) = split_pair(part);
            let (name, value) = (self.note(decode_component(name)), self.note(decode_component(value)));
            self.push(name, value);
        }
    }

    fn json(&mut self, body: &[u8]) {
        let cleaned = clean(trimmed(body));
        let Some(members) = json::members(&cleaned.text) else { return self.keep_body(body) };
        self.note(cleaned);
        for (name, value) in members {
            let (name, value) = (self.note(name), self.note(value));
            self.push(name, value);
        }
    }

    fn keep_body(&mut self, body: &[u8]) {
        self.remember(true, Oddity::UnreadableBody);
        let text = self.note(clean(body));
        self.push(String::from(RAW_BODY), text);
    }

    fn note(&mut self, cleaned: Cleaned) -> String {
        self.remember(cleaned.bad_utf8, Oddity::BadUtf8);
        self.remember(cleaned.nul, Oddity::Nul);
        cleaned.text
    }

    fn remember(&mut self, happened: bool, oddity: Oddity) {
        if happened {
            self.odd.insert(oddity);
        }
    }

    /// A credential is how a postback came in, not what it says: it is no parameter.
    fn push(&mut self, name: String, value: String) {
        if scrub::is_credential(name.as_bytes()) {
            return;
        }
        if self.list.len() < MAX_PARAMETERS {
            self.list.push((name, value));
        } else {
            self.remember(true, Oddity::Truncated);
        }
    }
}

/// Splits `name=value`; a part without `=` is a name without a value.
pub(crate) fn split_pair(part: &[u8]) -> (&[u8], &[u8]) {
    part.iter()
        .position(|byte| *byte == b'=')
        .and_then(|at| part.split_at_checked(at))
        .map_or((part, &[]), |(name, rest)| (name, rest.strip_prefix(b"=").unwrap_or(rest)))
}
