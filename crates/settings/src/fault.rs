//! Why a value does not fit its type. Faults name kinds (`a text`), never values: a value may be a secret.

use std::fmt::Display;

use serde::de::{self, Expected, Unexpected};

use crate::problems::Problem;

/// Why a value does not fit.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Not yet known where.
    Wrong(String),
    /// A field of the struct being read has no value.
    Missing(&'static str),
    /// No layer sets the key.
    MissingKey(String),
    /// Complete.
    Located(Problem),
}

impl Fault {
    /// Completes a fault with the place of the value that was being read.
    pub(crate) fn locate(self, key: &str, origin: Option<&str>) -> Self {
        match self {
            Self::Wrong(what) => {
                Self::Located(Problem { key: key.to_owned(), what, origin: origin.map(str::to_owned) })
            }
            Self::Missing(field) => Self::MissingKey(joined(key, field)),
            complete @ (Self::MissingKey(_) | Self::Located(_)) => complete,
        }
    }

    /// `variable` names the environment variable of a key, for the advice.
    pub(crate) fn into_problem(self, variable: impl Fn(&str) -> String) -> Problem {
        let missing = |key: String| {
            let variable = variable(&key);
            let what = format!(
                "is required and nothing sets it: put it into the settings file, or set {variable}, or name a file \
                 that holds it with {variable}_FILE"
            );
            Problem { key, what, origin: None }
        };
        match self {
            Self::Located(problem) => problem,
            Self::MissingKey(key) => missing(key),
            Self::Missing(field) => missing(field.to_owned()),
            Self::Wrong(what) => Problem { key: "settings".to_owned(), what, origin: None },
        }
    }
}

impl Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wrong(what) => out.write_str(what),
            Self::Missing(key) => write!(out, "{key} is missing"),
            Self::MissingKey(key) => write!(out, "{key} is missing"),
            Self::Located(problem) => write!(out, "{problem}"),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::Wrong(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Wrong(format!("must be {expected}, is {}", kind_of(&found)))
    }

    fn invalid_value(_found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Wrong(format!("must be {expected}"))
    }

    fn unknown_variant(_found: &str, expected: &'static [&'static str]) -> Self {
        Self::Wrong(format!("must be one of: {}", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

fn kind_of(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "a text",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::NewtypeStruct
        | Unexpected::Enum
        | Unexpected::UnitVariant
        | Unexpected::NewtypeVariant
        | Unexpected::TupleVariant
        | Unexpected::StructVariant
        | Unexpected::Other(_) => "something else",
    }
}

/// A field's dotted key.
pub(crate) fn joined(key: &str, field: &str) -> String {
    if key.is_empty() { field.to_owned() } else { format!("{key}.{field}") }
}
