//! What is wrong with a key, and the checks that settings have in common.

use std::{
    fmt::{self, Display},
    ops::RangeInclusive,
};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Settings that can tell what is wrong with them beyond their types: ranges, schemes, keys that contradict each other.
pub trait Validate {
    /// Adds everything that is wrong. Must not add the value of a secret.
    fn validate(&self, problems: &mut Problems);
}

/// One wrong key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted, such as `http.port`.
    pub key: String,
    /// What is wrong and what would be right, such as `must be 1..=65535, is 0`.
    pub what: String,
    /// Which layer set the value, when one did.
    pub origin: Option<String>,
}

impl Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.key, self.what)?;
        self.origin.as_ref().map_or(Ok(()), |origin| write!(out, " (set by {origin})"))
    }
}

/// Collects what [`Validate`] finds, so that an operator sees everything at once.
#[derive(Debug, Default)]
pub struct Problems {
    section: String,
    found: Vec<Problem>,
}

impl Problems {
    /// Notes that `key` of this section is wrong; `what` says also what would be right.
    pub fn add(&mut self, key: &str, what: impl Into<String>) {
        let key = if self.section.is_empty() { key.to_owned() } else { format!("{}.{key}", self.section) };
        self.found.push(Problem { key, what: what.into(), origin: None });
    }

    /// Validates a part whose keys lie under `section`.
    pub fn within(&mut self, section: &str, part: &impl Validate) {
        let inner =
            if self.section.is_empty() { section.to_owned() } else { format!("{}.{section}", self.section) };
        let outer = std::mem::replace(&mut self.section, inner);
        part.validate(self);
        self.section = outer;
    }

    /// The value must lie in `range`.
    pub fn in_range<T: PartialOrd + Display>(&mut self, key: &str, value: &T, range: &RangeInclusive<T>) {
        if !range.contains(value) {
            self.add(key, format!("must be {}..={}, is {value}", range.start(), range.end()));
        }
    }

    /// The text must hold more than white space.
    pub fn not_empty(&mut self, key: &str, text: &str) {
        if text.trim().is_empty() {
            self.add(key, "must not be empty");
        }
    }

    /// The secret must hold more than white space.
    pub fn secret_not_empty(&mut self, key: &str, secret: &SecretString) {
        self.not_empty(key, secret.expose_secret());
    }

    /// The text must be a URL with one of the schemes and a host. Never repeats the URL: it may hold a password.
    pub fn url(&mut self, key: &str, text: &str, schemes: &[&str]) {
        let expected = || format!("must be a URL that begins with {}://", schemes.join(":// or "));
        match Url::parse(text) {
            Err(reason) => self.add(key, format!("{}: {reason}", expected())),
            Ok(url) if !schemes.contains(&url.scheme()) => self.add(key, expected()),
            Ok(url) if url.host_str().is_none_or(str::is_empty) => {
                self.add(key, format!("{} and names a host", expected()));
            }
            Ok(_) => {}
        }
    }

    /// Like [`Problems::url`], for a URL with a password in it.
    pub fn secret_url(&mut self, key: &str, secret: &SecretString, schemes: &[&str]) {
        self.url(key, secret.expose_secret(), schemes);
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.found.into_iter()
    }
}
