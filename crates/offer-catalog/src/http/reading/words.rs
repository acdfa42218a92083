//! Words of a list, and flags.

use super::{Field, Reader, kind};

impl Reader {
    /// One of a few words, in any case.
    pub fn word<T: Copy>(&mut self, name: &str, field: Field, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(name, field, 100)?;
        let found = words.iter().find(|(word, _value)| word.eq_ignore_ascii_case(&text));
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _value)| *word).collect();
            self.wrong(name, format!("must be one of {}, is `{text}`", known.join(", ")));
        }
        found.map(|(_word, value)| *value)
    }

    /// True or false.
    pub fn flag(&mut self, name: &str, field: Field) -> Option<bool> {
        let value = field.value()?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.wrong(name, format!("must be true or false, is {}", kind(&value)));
        }
        flag
    }
}
