//! Texts and ids.

use kernel::IdError;

use super::{Field, Reader, kind};

impl Reader {
    /// A text: trimmed, at most `max` characters; an empty one is absent.
    pub fn text(&mut self, name: &str, field: Field, max: usize) -> Option<String> {
        let text = self.exact(name, field)?;
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let length = text.chars().count();
        if length > max {
            self.wrong(name, format!("must be at most {max} characters, has {length}"));
            return None;
        }
        Some(text.to_owned())
    }

    /// A text as it is, without control characters but line feeds and tabs: PostgreSQL can not hold NUL, and nobody means
    /// the others.
    pub fn exact(&mut self, name: &str, field: Field) -> Option<String> {
        let value = field.value()?;
        let Some(text) = value.as_str() else {
            self.wrong(name, format!("must be a text, is {}", kind(&value)));
            return None;
        };
        if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
            self.wrong(name, "must not hold control characters");
            return None;
        }
        Some(text.to_owned())
    }

    /// An id. An empty one is wrong and not absent: it would make what is for one thing hold for all.
    pub fn id<T>(&mut self, name: &str, field: Field) -> Option<T>
    where
        T: std::str::FromStr<Err = IdError>,
    {
        let text = self.exact(name, field)?;
        match text.trim().parse() {
            Ok(id) => Some(id),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }

    /// A text that has a form of its own.
    pub fn parsed<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.exact(name, field)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }
}
