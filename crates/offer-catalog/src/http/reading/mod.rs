//! Reading a body field by field, so that one answer names everything that is wrong with it.
//!
//! serde stops at the first mistake. So a body's type holds each field as it came ([`Field`]), with its documented type in
//! the schema, and a [`Reader`] turns them into values one by one, noting what can not be one. An unknown field is a
//! mistake too: a misspelt `payuot` must not pass for "no payout".

mod lists;
pub(super) mod moments;
pub(super) mod money;
mod numbers;
mod parameters;
mod texts;
mod words;

use std::collections::BTreeMap;

use http_kit::{FieldError, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::problems::Problems;

/// A field as it came; absent and `null` are the same.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Field(Option<Value>);

/// The fields that a body should not have.
pub type Unknown = BTreeMap<String, Value>;

impl From<Option<Value>> for Field {
    fn from(value: Option<Value>) -> Self {
        Self(value)
    }
}

impl Field {
    /// As it came.
    pub fn peek(&self) -> Option<&Value> {
        self.0.as_ref()
    }

    /// Whether there is anything in it.
    pub fn is_there(&self) -> bool {
        self.0.as_ref().is_some_and(|value| !value.is_null())
    }

    fn value(self) -> Option<Value> {
        self.0.filter(|value| !value.is_null())
    }
}

/// Collects what is wrong while fields are read. Paths are those of the body: `events[2].payout.amount`.
#[derive(Debug, Default)]
pub struct Reader {
    path: String,
    problems: Problems,
}

impl Reader {
    /// At the top of a body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that a field is wrong.
    pub fn wrong(&mut self, name: &str, detail: impl Into<String>) {
        let path = self.path_of(name);
        self.problems.add(path, detail);
    }

    /// Whether something is already said about a field.
    pub fn concerns(&self, name: &str) -> bool {
        self.problems.concern(&self.path_of(name))
    }

    /// Notes every field that should not be there.
    pub fn refuse_unknown(&mut self, unknown: &Unknown) {
        for name in unknown.keys() {
            self.wrong(name, "is not a field of this body");
        }
    }

    /// A value that must be there.
    pub fn required<T>(&mut self, name: &str, value: Option<T>, what: &str) -> Option<T> {
        let path = self.path_of(name);
        if value.is_none() && !self.problems.concern(&path) {
            self.problems.add(path, format!("is required: {what}"));
        }
        value
    }

    /// Reads a part of the body under its own path.
    pub fn within<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let inner = self.path_of(name);
        let outer = std::mem::replace(&mut self.path, inner);
        let value = read(self);
        self.path = outer;
        value
    }

    /// The value read, when nothing was wrong.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.done(value).map_err(invalid)
    }

    /// The value read, when nothing was wrong, for what is no body of its own.
    ///
    /// # Errors
    /// Every wrong field.
    pub fn done<T>(self, value: Option<T>) -> Result<T, Problems> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }

    fn path_of(&self, name: &str) -> String {
        let point = if self.path.is_empty() || name.is_empty() || name.starts_with('[') { "" } else { "." };
        format!("{}{point}{name}", self.path)
    }
}

/// 422 with every wrong field.
pub fn invalid(problems: Problems) -> Problem {
    let errors = problems.into_vec().into_iter();
    Problem::invalid(
        errors.map(|problem| FieldError { field: problem.field, detail: problem.detail }).collect(),
    )
}

/// What a value is, for the sentence that says what it should have been.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
