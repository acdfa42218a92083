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
    pub page: u32,
    /// Items on a page at most.
    pub page_size: u32,
    /// Items on all pages together, at the moment of reading.
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

    fn parse(query: &str) -> Result<Self, Problem> {
        let mut found = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "page" => found.page = number("page", &value, MAX_PAGE)?,
                "page_size" => found.page_size = number("page_size", &value, MAX_SIZE)?,
                _ => {}
            }
        }
        Ok(found)
    }
}

fn number(name: &str, value: &str, max: u32) -> Result<u32, Problem> {
    value
        .parse()
        .ok()
        .filter(|number| (1..=max).contains(number))
        .ok_or_else(|| query::invalid(name, format!("must be a whole number from 1 to {max}")))
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
