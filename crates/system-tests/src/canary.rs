//! Words that exist once: put wherever a stranger or an operator can put one, and looked for wherever it must not turn up.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// What every canary begins with; nothing else does.
const MARK: &str = "Cnry";
/// Hexadecimal digits after it.
const DIGITS: usize = 24;

/// What may become of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It must turn up nowhere.
    Secret,
    /// It is part of what was reported: kept in queues, tables and the spool, and nowhere else.
    Content,
}

/// All canaries of a test, with where each was put.
#[derive(Debug, Default)]
pub struct Canaries {
    known: BTreeMap<String, (Kind, String)>,
}

/// Somewhere to look.
#[derive(Debug)]
pub struct Place {
    name: String,
    keeps_content: bool,
    text: String,
}

impl Place {
    /// Somewhere that content is not kept: logs, spans, metrics, answers, headers, settings.
    pub fn new(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.to_owned(), keeps_content: false, text: text.into() }
    }

    /// Somewhere that content is kept: queues, tables, the spool.
    pub fn keeping_content(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), keeps_content: true, text: String::from_utf8_lossy(bytes).into_owned() }
    }

    /// Every file below a folder but the logs: among them whatever a service spools.
    ///
    /// # Panics
    /// When it can not be read.
    pub fn files_below(name: &str, folder: &Path) -> Self {
        let mut bytes = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_none_or(|kind| kind != "log") {
                    bytes.extend_from_slice(path.display().to_string().as_bytes());
                    // A file that is gone meanwhile holds nothing.
                    bytes.extend(std::fs::read(&path).unwrap_or_default());
                }
            }
        }
        Self::keeping_content(name, &bytes)
    }
}

impl Canaries {
    /// A new one that must turn up nowhere.
    pub fn secret(&mut self, position: impl Into<String>) -> String {
        self.new_one(Kind::Secret, position.into())
    }

    /// A new one that is part of what is reported.
    pub fn content(&mut self, position: impl Into<String>) -> String {
        self.new_one(Kind::Content, position.into())
    }

    /// Somebody else's secret, such as a signature: to be found wherever it stands, too.
    pub fn also(&mut self, position: impl Into<String>, secret: &str) {
        let position = position.into();
        assert!(secret.len() >= 12, "{position} is too short to be found for sure");
        self.known.insert(secret.to_owned(), (Kind::Secret, position));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Fails with every position whose canary stands where it must not.
    ///
    /// # Panics
    /// When one does, or a place is empty: then nothing was looked at.
    pub fn are_nowhere_in(&self, places: &[Place]) {
        let mut found = BTreeSet::new();
        for place in places {
            assert!(!place.text.is_empty(), "{} is empty: nothing was looked at", place.name);
            for (canary, line) in self.in_text(&place.text) {
                let (kind, position) = &self.known[canary];
                if *kind == Kind::Secret || !place.keeps_content {
                    let shown: String = line.replace(canary, "***").chars().take(600).collect();
                    found.insert(format!("{position} stands in {}: {shown}", place.name));
                }
            }
        }
        assert!(found.is_empty(), "{} leaks:\n{}", found.len(), Vec::from_iter(found).join("\n"));
    }

    /// Fails unless content is where content is kept: what is never there would not be found when it leaks either.
    ///
    /// # Panics
    /// When none of it is there.
    pub fn content_is_in(&self, place: &Place) {
        let content = |canary: &str| self.known[canary].0 == Kind::Content;
        let found = self.in_text(&place.text).iter().any(|(canary, _)| content(canary));
        assert!(found, "no content is in {}: the wrong place was looked at", place.name);
    }

    fn in_text<'a>(&'a self, text: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut found = Vec::new();
        for line in text.lines() {
            for (at, _) in line.match_indices(MARK) {
                let word = line.get(at..at + MARK.len() + DIGITS).unwrap_or_default();
                if let Some((canary, _)) = self.known.get_key_value(word) {
                    found.push((canary.as_str(), line));
                }
            }
        }
        for foreign in self.known.keys().filter(|canary| !canary.starts_with(MARK)) {
            if let Some(line) = text.lines().find(|line| line.contains(foreign)) {
                found.push((foreign.as_str(), line));
            }
        }
        found
    }

    fn new_one(&mut self, kind: Kind, position: String) -> String {
        let mut random = [0_u8; DIGITS / 2];
        getrandom::fill(&mut random).expect("the operating system has randomness");
        let canary = format!("{MARK}{}", hex::encode(random));
        self.known.insert(canary.clone(), (kind, position));
        canary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_found_and_content_is_none_where_it_is_kept() {
        let mut canaries = Canaries::default();
        let (secret, content) = (canaries.secret("a header"), canaries.content("a value"));
        let kept = Place::keeping_content("a queue", format!("\u{1}{content}").as_bytes());
        canaries.are_nowhere_in(&[Place::new("a log", "quiet")]);
        canaries.content_is_in(&kept);
        canaries.are_nowhere_in(&[kept]);
        for leak in [
            Place::new("a log", format!("line\nx{secret}y")),
            Place::new("a log", content.clone()),
            Place::keeping_content("a queue", secret.as_bytes()),
            Place::new("an empty log", ""),
        ] {
            let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                canaries.are_nowhere_in(std::slice::from_ref(&leak));
            }));
            assert!(looked.is_err(), "not found: {leak:?}");
        }
    }
}
