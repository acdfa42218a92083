//! Query strings whose errors name the parameter.
//!
//! Called `Query` like actix's own so that utoipa documents the parameters of a handler by itself.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;

use crate::{
    field_path,
    problem::{FieldError, Problem},
};

/// The query string as a struct. A refusal is 400 `invalid_query` with the parameter and what would be right. A parameter
/// without a value is refused too: a filter that a script left empty must not pass for "all of them".
///
/// Beside [`Page`](crate::Page) the struct must not deny unknown fields: both read the same query string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let sent = url::form_urlencoded::parse(query.as_bytes());
    let mut empty = sent.filter(|(_, value)| value.is_empty()).peekable();
    if empty.peek().is_some() {
        return Err(all_invalid(empty.map(|(name, _)| (name, "has no value; give it one, or leave it out"))));
    }
    let pairs = serde_urlencoded::Deserializer::new(sent);
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let path = error.path().to_string();
        let FieldError { field, detail } = field_path::wrong_field(&path, &error.inner().to_string());
        invalid(field, detail)
    })
}

/// 400 for one wrong parameter.
pub(crate) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Problem {
    all_invalid([(field, detail)])
}

/// 400 for every wrong parameter.
pub(crate) fn all_invalid<F, D>(wrong: impl IntoIterator<Item = (F, D)>) -> Problem
where
    F: Into<String>,
    D: Into<String>,
{
    let problem = Problem::bad_request("invalid_query", "a query parameter is not acceptable");
    wrong.into_iter().fold(problem, |problem, (field, detail)| problem.field(field, detail))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Filter {
        after: u32,
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        let problem = parse::<Filter>("after=soon").unwrap_err();
        assert_eq!(problem.errors().first().unwrap().field, "after");
        assert_eq!(problem.code(), "invalid_query");
    }

    #[test]
    fn a_missing_parameter_is_named() {
        assert_eq!(parse::<Filter>("").unwrap_err().errors().first().unwrap().field, "after");
    }

    #[test]
    fn a_parameter_without_a_value_is_named() {
        for query in ["after=", "after", "before=&after=1"] {
            let problem = parse::<Filter>(query).unwrap_err();
            assert!(problem.errors().first().unwrap().detail.contains("leave it out"), "{query}");
        }
        assert_eq!(parse::<Filter>("before=&after=").unwrap_err().errors().len(), 2);
    }

    #[test]
    fn percent_signs_and_pluses_are_decoded() {
        assert_eq!(parse::<Filter>("after=%34%32").unwrap().after, 42);
    }
}
