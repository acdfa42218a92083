//! What the partner feed is asked.

use http_kit::Problem;
use kernel::PublisherId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::offer_body::OFFER_TYPES;
use crate::{
    domain::partner_feed::{FeedRequest, FeedStart, FeedVersion},
    http::{
        feed_cursor,
        reading::{Field, Reader, Unknown, moments},
    },
};

const PAGE_MAX: i64 = 100_000;
const SIZE_MAX: i64 = 100;
const SIZE: i64 = 10;
const CURSOR_CHARS_MAX: usize = 200;

/// Which page of which offers.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct FeedParameters {
    /// The page, counted from 0. While offers are shared pages can move; a cursor does not.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 100_000, default = 0)]
    page: Field,
    /// Offers on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 10)]
    page_size: Field,
    /// Instead of page: the nextCursor of the page before. Whatever changes in between, a walk meets each offer once.
    #[param(value_type = Option<String>, example = "AAZhKpZlNgABlKPAAABwAIAAAAAAAAABn4bQgYhMfWU")]
    cursor: Field,
    /// `SingleEvent` or `MultiEvent`.
    #[serde(rename = "offerType")]
    #[param(value_type = Option<String>, rename = "offerType", example = "MultiEvent", pattern = "^(SingleEvent|MultiEvent)$")]
    offer_type: Field,
    /// Only offers that changed since: the feedVersion of an earlier answer, which is exact, or a time. The first page of a
    /// walk holds the one to keep.
    #[serde(rename = "changedSince")]
    #[param(value_type = Option<String>, rename = "changedSince", example = "2026-12-01T00:00:00Z")]
    changed_since: Field,
    #[serde(flatten)]
    #[param(ignore)]
    unknown: Unknown,
}

/// What was read: the request, and the page when one was asked for by its number.
pub struct FeedQuestion {
    /// What is asked.
    pub request: FeedRequest,
    /// Counted from 0.
    pub page: Option<i64>,
}

impl FeedParameters {
    /// Reads them for a publisher.
    ///
    /// # Errors
    /// 400 with every wrong parameter.
    pub fn read(self, publisher: PublisherId) -> Result<FeedQuestion, Problem> {
        let mut r = Reader::new();
        for name in self.unknown.keys() {
            let known = "page, page_size, cursor, offerType and changedSince";
            r.wrong(name, format!("is not a parameter of this call; there are {known}"));
        }
        let page = r.whole("page", self.page, &(0..=PAGE_MAX));
        let limit = r.whole("page_size", self.page_size, &(1..=SIZE_MAX)).unwrap_or(SIZE);
        let cursor = r.text("cursor", self.cursor, CURSOR_CHARS_MAX);
        let mut request = FeedRequest {
            publisher,
            offer_type: r.word("offerType", self.offer_type, &OFFER_TYPES),
            since: r.parsed("changedSince", self.changed_since, since),
            start: FeedStart::Skip(page.unwrap_or_default().saturating_mul(limit)),
            limit,
        };
        if let Some(cursor) = &cursor {
            match feed_cursor::read(cursor, &request) {
                Some(_) if page.is_some() => {
                    r.wrong(
                        "page",
                        "can not stand beside cursor, which says where the page begins; leave one out",
                    );
                }
                Some(place) => request.start = FeedStart::After(place),
                None => r.wrong("cursor", feed_cursor::WRONG),
            }
        }
        let page = if cursor.is_some() { None } else { Some(page.unwrap_or_default()) };
        r.finish_parameters(FeedQuestion { request, page })
    }
}

fn since(text: &str) -> Result<FeedVersion, String> {
    let text = text.trim();
    FeedVersion::parse(text).or_else(|| moments::parse(text).map(FeedVersion::at)).ok_or_else(|| {
        format!("must be the feedVersion of an earlier answer, or a time such as 2026-12-01T00:00:00Z, is `{text}`")
    })
}
