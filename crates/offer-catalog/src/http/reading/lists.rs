//! Lists and objects.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Field, Reader, kind};

impl Reader {
    /// A list of at most `max` items; each is read by `read` under its own path. What can not be read is left out, and
    /// noted; so is `null`, which nobody means.
    pub fn list<T>(
        &mut self,
        name: &str,
        field: Field,
        max: usize,
        mut read: impl FnMut(&mut Self, Field) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = field.value()?;
        let Value::Array(items) = value else {
            self.wrong(name, format!("must be a list, is {}", kind(&value)));
            return None;
        };
        if items.len() > max {
            self.wrong(name, format!("must have at most {max} entries, has {}", items.len()));
            return None;
        }
        let of_list = |reader: &mut Self| {
            let each = items.into_iter().enumerate();
            each.filter_map(|(at, item)| {
                reader.within(&format!("[{at}]"), |reader| {
                    if item.is_null() {
                        reader.wrong("", "must not be null; leave the entry out");
                        return None;
                    }
                    read(reader, Field(Some(item)))
                })
            })
            .collect()
        };
        Some(self.within(name, of_list))
    }

    /// A list of values that are read from text; the word `All`, alone, makes it empty.
    pub fn words_or_all<T>(
        &mut self,
        name: &str,
        field: Field,
        max: usize,
        mut parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let texts = self.list(name, field, max, |reader, item| reader.text("", item, 100))?;
        if let [one] = texts.as_slice()
            && one.eq_ignore_ascii_case("all")
        {
            return Some(Vec::new());
        }
        // An empty list is not "all": nobody has decided.
        if texts.is_empty() {
            return None;
        }
        let mut values = Vec::with_capacity(texts.len());
        for (at, text) in texts.iter().enumerate() {
            match parse(text) {
                Ok(value) => values.push(value),
                Err(detail) => self.wrong(&format!("{name}[{at}]"), detail),
            }
        }
        Some(values)
    }

    /// An object whose type holds its fields as they came; read on by `read` under its own path.
    pub fn object<B: DeserializeOwned, T>(
        &mut self,
        name: &str,
        field: Field,
        read: impl FnOnce(&mut Self, B) -> Option<T>,
    ) -> Option<T> {
        let value = field.value()?;
        if !value.is_object() {
            self.wrong(name, format!("must be an object, is {}", kind(&value)));
            return None;
        }
        match serde_json::from_value(value) {
            Ok(body) => self.within(name, |reader| read(reader, body)),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }
}
