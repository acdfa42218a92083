//! The parameters of a query string, read like the fields of a body: all that are wrong are named at once.

use http_kit::Problem;

use super::{Field, Reader, Unknown};
use crate::domain::listing::{Sort, SortKey};

/// Read by the page, beside the parameters of the list.
const OF_PAGES: [&str; 2] = ["page", "page_size"];

impl Reader {
    /// Notes parameters that are none: a misspelt filter must not pass for "all of them".
    pub fn refuse_unknown_parameters(&mut self, unknown: &Unknown, known: &str) {
        for name in unknown.keys().filter(|name| !OF_PAGES.contains(&name.as_str())) {
            self.wrong(name, format!("is not a parameter of this call; there are {known}"));
        }
    }

    /// How a list is ordered: `name` from the least, `-name` from the greatest.
    pub fn sort(&mut self, field: Field, keys: &[(&str, SortKey)], otherwise: Sort) -> Sort {
        let up = keys.iter().map(|(word, key)| ((*word).to_owned(), Sort::up(*key)));
        let down = keys.iter().map(|(word, key)| (format!("-{word}"), Sort::down(*key)));
        let words: Vec<(String, Sort)> = up.chain(down).collect();
        let words: Vec<(&str, Sort)> = words.iter().map(|(word, sort)| (word.as_str(), *sort)).collect();
        self.word("sort", field, &words).unwrap_or(otherwise)
    }

    /// True or false.
    pub fn switch(&mut self, name: &str, field: Field) -> Option<bool> {
        self.word(name, field, &[("true", true), ("false", false)])
    }

    /// What was read, when no parameter was wrong.
    ///
    /// # Errors
    /// 400 with every wrong parameter.
    pub fn finish_parameters<T>(self, value: T) -> Result<T, Problem> {
        if self.problems.is_empty() {
            return Ok(value);
        }
        let problem = Problem::bad_request("invalid_query", "a query parameter is not acceptable");
        Err(self
            .problems
            .into_vec()
            .into_iter()
            .fold(problem, |problem, wrong| problem.field(wrong.field, wrong.detail)))
    }
}
