//! A line of a report, read by the parser of postbacks.

use kernel::{ClickId, Currency, Micros, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use postback_parser::{ClickReference, Field, Postback, Request};

use serde::{Deserialize, Serialize};

use super::columns::Columns;

/// Keys of `event_value` under which apps send an order's id, the most usual first.
const ORDER_KEYS: [&str; 4] = ["af_order_id", "order_id", "transaction_id", "af_receipt_id"];
/// The name that AppsFlyer's reports give to an install.
const INSTALL: &str = "install";

/// Which of AppsFlyer's reports it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Each line is an install, whatever event it names.
    Installs,
    /// Each line is an event in the app.
    InAppEvents,
    /// Each line is a postback that AppsFlyer says it sent; `install` among the events.
    Postbacks,
}

impl Report {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Installs, Self::InAppEvents, Self::Postbacks];

    /// As the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Installs => "installs",
            Self::InAppEvents => "inAppEvents",
            Self::Postbacks => "postbacks",
        }
    }
}

/// What a line of a report says. Stored until it has been compared and shown; fields are only added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRow {
    /// The line, as a spreadsheet numbers it; the one with the columns' names is 1.
    pub line: u64,
    /// The click whose link brought the user.
    pub click: Option<ClickId>,
    /// Whether it is an install.
    pub is_install: bool,
    /// The event's name in the app.
    pub event_name: Option<String>,
    /// The partner's id of the event, when the report has it.
    pub event_id: Option<String>,
    /// When it happened.
    pub event_time: Option<Timestamp>,
    /// What tells it from its repeats.
    pub conversion_id: Option<String>,
    /// Its amount.
    pub amount: Option<Micros>,
    /// The amount's currency.
    pub currency: Option<Currency>,
}

impl ReportRow {
    /// Reads a line: its values exactly as if they had come as a postback (absence, numbers, times), its click out of the
    /// link. Total: what can not be read is absent.
    #[must_use]
    pub fn read(line: u64, report: Report, columns: &Columns, fields: &[&str]) -> Self {
        let said = Postback::parse(&Request::get(query(columns.parameters(fields)).as_bytes()));
        let event_id = said.get(Field::EventId).map(String::from);
        let is_install = report == Report::Installs
            || said.event.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(INSTALL));
        let event_time = if is_install { said.event_time.or(said.install_time) } else { said.event_time };
        let conversion_id = said.get(Field::ConversionId).map(String::from);
        Self {
            line,
            click: click(columns.original_url(fields)),
            is_install,
            event_id,
            event_time,
            conversion_id: conversion_id.or_else(|| order_id(said.get(Field::EventValue)?)),
            amount: said.amount,
            currency: said.currency,
            event_name: said.event.name,
        }
    }
}

/// The values as the query of a postback.
fn query<'a>(parameters: impl Iterator<Item = (&'static str, &'a str)>) -> String {
    let encoded = parameters
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value.trim(), NON_ALPHANUMERIC)));
    encoded.collect::<Vec<_>>().join("&")
}

/// The click id of a link, under any name that a postback may give it.
fn click(original_url: &str) -> Option<ClickId> {
    let (link, _fragment) = original_url.split_once('#').unwrap_or((original_url, ""));
    let (_, query) = link.split_once('?')?;
    match Postback::parse(&Request::get(query.as_bytes())).click {
        ClickReference::Id(id) => Some(id),
        ClickReference::Absent | ClickReference::Unreadable(_) => None,
    }
}

fn order_id(event_value: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(event_value).ok()?;
    ORDER_KEYS.iter().find_map(|key| {
        let id = value.get(key)?;
        let text = id.as_str().filter(|text| !postback_parser::looks_absent(text)).map(String::from);
        text.or_else(|| id.as_number().map(ToString::to_string))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const CLICK: &str = "0195a2b4-0000-8000-8000-000000000001";
    const HEADER: [&str; 8] = [
        "Event Time",
        "Event Name",
        "Event Value",
        "Event Revenue",
        "Event Revenue Currency",
        "Partner Event ID",
        "Original URL",
        "Install Time",
    ];

    fn read(report: Report, fields: [&str; 8]) -> ReportRow {
        ReportRow::read(2, report, &Columns::of(HEADER).unwrap(), &fields)
    }

    #[test]
    fn a_line_is_read_as_a_postback_would_be() {
        let link = format!("https://app.appsflyer.com/id1?pid=gokart_int&clickid={CLICK}&af_siteid=7");
        let row = read(
            Report::InAppEvents,
            [
                "2026-11-25 10:00:00.250",
                "af_purchase",
                r#"{"af_order_id":"A-17"}"#,
                "4.99",
                "USD",
                "N/A",
                &link,
                "",
            ],
        );
        assert_eq!(row.click, Some(ClickId::from_uuid(CLICK.parse().unwrap())));
        assert_eq!((row.event_name.as_deref(), row.event_id), (Some("af_purchase"), None));
        assert_eq!(row.event_time, Some(Timestamp::from_micros(1_795_600_800_250_000)));
        assert_eq!((row.amount, row.currency), (Some(Micros(4_990_000)), Some(Currency::USD)));
        assert_eq!(row.conversion_id.as_deref(), Some("A-17"));
        assert!(!row.is_install);
    }

    #[rstest]
    #[case("https://app.appsflyer.com/id1?pid=gokart_int", None)]
    #[case("https://app.appsflyer.com/id1?clickid={clickid}", None)]
    #[case("https://app.appsflyer.com/id1?clickid=17", None)]
    #[case("", None)]
    #[case("https://a.example/?clickid=0195a2b4-0000-8000-8000-000000000001#x", Some(CLICK))]
    #[case("https://a.example/?CLICKID=0195A2B4-0000-8000-8000-000000000001", Some(CLICK))]
    fn the_click_is_in_the_link_or_nowhere(#[case] link: &str, #[case] click: Option<&str>) {
        let row = read(Report::InAppEvents, ["2026-11-25 10:00:00", "x", "", "", "", "", link, ""]);
        assert_eq!(row.click, click.map(|id| ClickId::from_uuid(id.parse().unwrap())));
    }

    #[test]
    fn an_install_has_the_installs_time() {
        let row = read(Report::Installs, ["", "", "", "", "", "", "", "2026-11-25 10:00:00"]);
        assert!(row.is_install && row.event_time.is_some());
        let row = read(Report::Postbacks, ["", "Install", "", "", "", "", "", "2026-11-25 10:00:00"]);
        assert!(row.is_install && row.event_time.is_some());
        let row = read(Report::Postbacks, ["", "level_10", "", "", "", "", "", "2026-11-25 10:00:00"]);
        assert_eq!((row.is_install, row.event_time), (false, None));
    }

    #[rstest]
    #[case(r#"{"order_id": 17}"#, Some("17"))]
    #[case(r#"{"order_id": "N/A"}"#, None)]
    #[case(r#"{"order_id": ["a"]}"#, None)]
    #[case("[1]", None)]
    #[case("not json", None)]
    fn an_orders_id_is_looked_for_in_the_events_value(#[case] value: &str, #[case] id: Option<&str>) {
        assert_eq!(order_id(value).as_deref(), id);
    }
}
