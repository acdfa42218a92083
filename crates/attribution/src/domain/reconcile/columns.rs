//! Which column of a report holds what.

use thiserror::Error;

/// The columns that are read, by the name of the parameter of a postback that says the same. Reports carry some eighty.
const READ: &[(&str, &str)] = &[
    ("event_name", "cnv_event_name"),
    ("partner_event_id", "cnv_event_id"),
    ("event_time", "event_time"),
    ("event_revenue", "cnv_amount"),
    ("event_revenue_currency", "cnv_currency"),
    ("event_revenue_usd", "cnv_amount_usd"),
    ("event_value", "event_value"),
    ("conversion_id", "cnv_conversion_id"),
    ("transaction_id", "cnv_conversion_id"),
    ("order_id", "cnv_conversion_id"),
    ("is_primary_attribution", "is_primary_attribution"),
    ("install_time", "install_time"),
];
/// The column with the click's link, where alone the click id stands.
const ORIGINAL_URL: &str = "original_url";
/// Without one of these, a line does not say when it happened.
const TIMES: [&str; 2] = ["event_time", "install_time"];

/// What is wrong with a report's first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// There is no first line, or nothing in it.
    #[error("the report is empty; its first line must name the columns, as AppsFlyer exports it")]
    Empty,
    /// No click id can be found.
    #[error(
        "there is no column `Original URL`, where the click id stands; choose it among the fields of the export in AppsFlyer"
    )]
    NoOriginalUrl,
    /// No time can be found.
    #[error(
        "there is no column `Event Time` or `Install Time`; choose one among the fields of the export in AppsFlyer"
    )]
    NoTime,
    /// A column is there twice.
    #[error("the column `Original URL` is there twice; the report must be as AppsFlyer exports it")]
    TwoOriginalUrls,
}

/// Where the columns stand that are read. Names are taken as AppsFlyer's pages write them (`Event Time`) and as its API
/// does (`event_time`): without case, spaces as underlines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    original_url: usize,
    read: Vec<(usize, &'static str)>,
}

impl Columns {
    /// Reads a report's first line.
    ///
    /// # Errors
    /// [`HeaderError`] when the click or the time of a line could not be known.
    pub fn of<'a>(header: impl IntoIterator<Item = &'a str>) -> Result<Self, HeaderError> {
        let names: Vec<String> = header.into_iter().map(folded).collect();
        if names.iter().all(String::is_empty) {
            return Err(HeaderError::Empty);
        }
        let mut urls = names.iter().enumerate().filter(|(_, name)| *name == ORIGINAL_URL);
        let (original_url, _) = urls.next().ok_or(HeaderError::NoOriginalUrl)?;
        if urls.next().is_some() {
            return Err(HeaderError::TwoOriginalUrls);
        }
        if !names.iter().any(|name| TIMES.contains(&name.as_str())) {
            return Err(HeaderError::NoTime);
        }
        let read = names.iter().enumerate().filter_map(|(place, name)| {
            let (_, parameter) = READ.iter().find(|(column, _)| column == name)?;
            Some((place, *parameter))
        });
        Ok(Self { original_url, read: read.collect() })
    }

    /// The link of a line's click; empty when the line is too short.
    #[must_use]
    pub fn original_url<'a>(&self, fields: &[&'a str]) -> &'a str {
        fields.get(self.original_url).copied().unwrap_or_default()
    }

    /// The values of a line, each under the name that a postback's parameter would have.
    pub fn parameters<'a>(&self, fields: &[&'a str]) -> impl Iterator<Item = (&'static str, &'a str)> {
        self.read.iter().filter_map(|(place, parameter)| Some((*parameter, fields.get(*place).copied()?)))
    }
}

/// AppsFlyer's files may begin with a byte order mark.
fn folded(name: &str) -> String {
    name.trim_start_matches('\u{feff}').trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn names_are_taken_as_pages_and_as_the_api_write_them() {
        let page = Columns::of(["\u{feff}Event Time", "Event Name", "Campaign", "Original URL"]).unwrap();
        let api = Columns::of(["event_time", "event_name", "campaign", "original_url"]).unwrap();
        assert_eq!(page, api);
        let line = ["2026-11-25 10:00:00", "af_purchase", "x", "https://a.example/?clickid=1"];
        assert_eq!(page.original_url(&line), "https://a.example/?clickid=1");
        assert_eq!(
            page.parameters(&line).collect::<Vec<_>>(),
            [("event_time", "2026-11-25 10:00:00"), ("cnv_event_name", "af_purchase")]
        );
        assert_eq!(page.parameters(&line[..1]).count(), 1, "a line that is cut off");
    }

    #[rstest]
    #[case("", HeaderError::Empty)]
    #[case(" , ", HeaderError::Empty)]
    #[case("event_time,event_name", HeaderError::NoOriginalUrl)]
    #[case("original_url,event_name", HeaderError::NoTime)]
    #[case("original_url,Original URL,event_time", HeaderError::TwoOriginalUrls)]
    fn a_header_that_can_not_serve_says_what_is_missing(#[case] header: &str, #[case] error: HeaderError) {
        assert_eq!(Columns::of(header.split(',')), Err(error));
    }
}
