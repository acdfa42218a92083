//! Lists are read page by page, with the same two parameters and the same body everywhere.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{problem::Problem, query};

/// Items on a page when the caller does not say.
const DEFAULT_SIZE: u32 = 10;
/// Items on a page at most: one page is one query and one body, both stay small.
const MAX_SIZE: u32 = 100;
/// Pages at most: a page far behind makes the database walk over everything before it.
const MAX_PAGE: u32 = 100_000;

/// Which page of a list: `?page=1&page_size=10`. An extractor; refusals name the parameter and its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// The page, counted from 1.
    #[param(minimum = 1, maximum = 100_000, default = 1, required = false)]
    page: u32,
    /// Items on a page.
    #[param(minimum = 1, maximum = 100, default = 10, required = false)]
    page_size: u32,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListBody<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// The page, counted from 1.
    #[schema(example = 1)]
    pub page: u32,
    /// Items on a page at most.
    #[schema(example = 10)]
    pub page_size: u32,
    /// Items on all pages together, at the moment of reading.
    #[schema(example = 1)]
    pub total: u64,
}

impl Default for Page {
    fn default() -> Self {
        Self { page: 1, page_size: DEFAULT_SIZE }
    }
}

impl Page {
    /// How many items to skip: SQL's `OFFSET`.
    #[must_use]
    pub fn offset(self) -> i64 {
        i64::from(self.page.saturating_sub(1)).saturating_mul(self.limit())
    }

    /// How many items to take: SQL's `LIMIT`.
    #[must_use]
    pub fn limit(self) -> i64 {
        i64::from(self.page_size)
    }

    /// The body for this page.
    #[must_use]
    pub fn of<T>(self, items: Vec<T>, total: u64) -> ListBody<T> {
        ListBody { items, page: self.page, page_size: self.page_size, total }
    }

    /// The page and what else was read of the query. Taken as `Result<Page, Problem>` by a handler, a wrong page does not hide
    /// what else is wrong.
    ///
    /// # Errors
    /// 400 with the wrong parameters of both.
    pub fn beside<T>(page: Result<Self, Problem>, read: Result<T, Problem>) -> Result<(Self, T), Problem> {
        match (page, read) {
            (Ok(page), Ok(read)) => Ok((page, read)),
            (Err(page), Err(read)) => Err(page.with_fields_of(read)),
            (Err(wrong), Ok(_)) | (Ok(_), Err(wrong)) => Err(wrong),
        }
    }

    fn parse(query: &str) -> Result<Self, Problem> {
        let mut found = Self::default();
        let mut wrong = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let (place, max) = match name.as_ref() {
                "page" => (&mut found.page, MAX_PAGE),
                "page_size" => (&mut found.page_size, MAX_SIZE),
                _ => continue,
            };
            match value.parse().ok().filter(|number| (1..=max).contains(number)) {
                Some(number) => *place = number,
                None => wrong.push((name, format!("must be a whole number from 1 to {max}"))),
            }
        }
        if wrong.is_empty() { Ok(found) } else { Err(query::all_invalid(wrong)) }
    }

    /// What a page too large is answered, as an example.
    pub(crate) fn out_of_range() -> Option<Problem> {
        Self::parse("page_size=500").err()
    }
}

impl FromRequest for Page {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_first_ten_are_the_default() {
        let page = Page::parse("").unwrap();
        assert_eq!((page.offset(), page.limit()), (0, 10));
    }

    #[test]
    fn the_third_page_skips_two() {
        let page = Page::parse("other=1&page=3&page_size=25").unwrap();
        assert_eq!((page.offset(), page.limit()), (50, 25));
    }

    #[rstest]
    #[case("page=0", "page")]
    #[case("page=-1", "page")]
    #[case("page=4294967296", "page")]
    #[case("page_size=101", "page_size")]
    #[case("page_size=", "page_size")]
    #[case("page_size=ten", "page_size")]
    fn what_is_out_of_range_is_named(#[case] query: &str, #[case] field: &str) {
        let problem = Page::parse(query).unwrap_err();
        assert_eq!(problem.errors().first().unwrap().field, field);
    }

    #[test]
    fn both_are_named_when_both_are_wrong() {
        let problem = Page::parse("page=0&page_size=101").unwrap_err();
        let fields: Vec<_> = problem.errors().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["page", "page_size"]);
    }

    #[test]
    fn the_body_speaks_camel_case() {
        let body = Page::default().of(vec!["a"], 1);
        insta::assert_json_snapshot!(body, @r#"
        {
          "items": [
            "a"
          ],
          "page": 1,
          "pageSize": 10,
          "total": 1
        }
        "#);
    }
}
