//! Takes the values of credential parameters out of a request before anything is published or stored.
//!
//! The signature is a bearer secret that travels in the URL. The path is never kept at all; of the query and the body
//! everything is kept except these values, so that a support case can still see which parameters were sent.
//!
//! Ingest does this for every call, so the common case is one pass without an allocation; only what looks
//! suspicious is taken apart.

mod embedded;
mod glance;
mod json;
mod names;

use std::borrow::Cow;

use memchr::{memchr, memmem};

pub(crate) use self::names::is_credential;
use crate::{
    escape::{Letter, peel},
    request::{BodyKind, body_kind},
};

/// The shortest secret that [`secrets`] looks for: the first token of a security segment. What is shorter would be found
/// in innocent text.
pub const SHORTEST_SECRET: usize = 12;

/// The query without the values of credential parameters.
#[must_use]
pub fn query(raw: &[u8]) -> Cow<'_, [u8]> {
    form(raw)
}

/// The body without the values of credential parameters. A body that can not be read and might carry one is dropped:
/// better no evidence than a leak.
#[must_use]
pub fn body<'a>(content_type: Option<&str>, raw: &'a [u8]) -> Cow<'a, [u8]> {
    match body_kind(content_type, raw) {
        BodyKind::Empty => Cow::Borrowed(raw),
        BodyKind::Form => form(raw),
        BodyKind::Json if !glance::json_might_hold(raw) => Cow::Borrowed(raw),
        BodyKind::Json => json::scrub(raw).unwrap_or_else(|| unreadable(raw)),
        BodyKind::Unknown => unreadable(raw),
    }
}

/// What was scrubbed by names, without secrets that are known by their values, wherever else they stand and however they
/// are escaped. A secret shorter than [`SHORTEST_SECRET`] is not looked for.
#[must_use]
pub fn secrets<'a, 's>(kept: Cow<'a, [u8]>, secrets: impl IntoIterator<Item = &'s [u8]>) -> Cow<'a, [u8]> {
    // What is cut out spells nothing.
    let spells_letters = glance::spells_letters(&kept);
    secrets.into_iter().fold(kept, |kept, one| secret(kept, one, spells_letters))
}

fn secret<'a>(kept: Cow<'a, [u8]>, secret: &[u8], spells_letters: bool) -> Cow<'a, [u8]> {
    if secret.len() < SHORTEST_SECRET || kept.len() < secret.len() {
        return kept;
    }
    let without = if spells_letters {
        let letters = peel(&kept);
        let mut cutter = Cutter::new(&kept);
        let mut rest = letters.as_slice();
        while let Some((_, tail)) = rest.split_first() {
            rest = match rest.split_at_checked(secret.len()) {
                Some((found, after)) if found.iter().map(|letter| letter.byte).eq(secret.iter().copied()) => {
                    cutter.cut(0, found, b"");
                    after
                }
                Some(_) | None => tail,
            };
        }
        cutter.finish()
    } else {
        let mut cutter = Cutter::new(&kept);
        for at in memmem::find_iter(&kept, secret) {
            cutter.cut_range(at, at.saturating_add(secret.len()), b"");
        }
        cutter.finish()
    };
    match without {
        Cow::Borrowed(_) => kept,
        Cow::Owned(without) => Cow::Owned(without),
    }
}

fn form(raw: &[u8]) -> Cow<'_, [u8]> {
    let mut cutter = Cutter::new(raw);
    let mut values_from = 0;
    for (from, part) in parts(raw, 0) {
        let name_len = memchr(b'=', part).unwrap_or(part.len());
        if is_credential(part.get(..name_len).unwrap_or(part)) {
            scrub_values(&mut cutter, raw, values_from, from);
            values_from = from.saturating_add(part.len());
            cutter.cut_range(from.saturating_add(name_len).saturating_add(1), values_from, b"");
        }
    }
    scrub_values(&mut cutter, raw, values_from, raw.len());
    cutter.finish()
}

/// The parts between `&`, with the places where they begin, counted from `from`.
fn parts(form: &[u8], from: usize) -> impl Iterator<Item = (usize, &[u8])> {
    let mut rest = form;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = from.saturating_add(form.len().saturating_sub(rest.len()));
        let len = memchr(b'&', rest).unwrap_or(rest.len());
        let (part, after) = rest.split_at_checked(len)?;
        rest = after.get(1..).unwrap_or_default();
        Some((at, part))
    })
}

/// Scrubs a stretch of parameters that are no credentials themselves.
fn scrub_values(cutter: &mut Cutter<'_>, raw: &[u8], from: usize, until: usize) {
    let stretch = raw.get(from..until).unwrap_or_default();
    if !glance::hints(stretch) {
        return;
    }
    for (from, part) in parts(stretch, from).filter(|(_, part)| glance::might_hold(part)) {
        let letters = without_nul(peel(part));
        let value_from = memchr(b'=', part).map_or(part.len(), |at| at.saturating_add(1));
        let value_at = letters.partition_point(|letter| letter.from < value_from);
        embedded::cut(&letters, value_at, &mut |found: &[Letter], instead: &[u8]| {
            cutter.cut(from, found, instead);
        });
    }
}

/// A NUL inside a name is passed over, as it is in the name of a parameter.
fn without_nul(mut letters: Vec<Letter>) -> Vec<Letter> {
    letters.retain(|letter| letter.byte != 0);
    letters
}

/// Escapes can spell a name in many ways; none of them may stand in a body that nobody can read.
fn unreadable(raw: &[u8]) -> Cow<'_, [u8]> {
    if names::mentions_credential(raw) { Cow::Borrowed(b"") } else { Cow::Borrowed(raw) }
}

/// Copies what is kept, once, and only when something is cut.
struct Cutter<'a> {
    raw: &'a [u8],
    kept: Vec<u8>,
    /// Up to here `raw` was copied or cut.
    done: usize,
}

impl<'a> Cutter<'a> {
    const fn new(raw: &'a [u8]) -> Self {
        Self { raw, kept: Vec::new(), done: 0 }
    }

    /// Cuts out letters whose places are counted from `from`.
    fn cut(&mut self, from: usize, found: &[Letter], instead: &[u8]) {
        if let (Some(first), Some(last)) = (found.first(), found.last()) {
            self.cut_range(from.saturating_add(first.from), from.saturating_add(last.until), instead);
        }
    }

    /// Cuts out a stretch. Stretches come in order and do not overlap.
    fn cut_range(&mut self, from: usize, until: usize, instead: &[u8]) {
        if from >= until || self.raw.get(from..until) == Some(instead) {
            return;
        }
        if self.kept.capacity() == 0 {
            self.kept.reserve_exact(self.raw.len());
        }
        self.kept.extend_from_slice(self.raw.get(self.done..from).unwrap_or_default());
        self.kept.extend_from_slice(instead);
        self.done = until;
    }

    fn finish(mut self) -> Cow<'a, [u8]> {
        if self.done == 0 {
            return Cow::Borrowed(self.raw);
        }
        self.kept.extend_from_slice(self.raw.get(self.done..).unwrap_or_default());
        Cow::Owned(self.kept)
    }
}

#[cfg(test)]
mod tests;
