//! `ETag` and `If-None-Match` of the partner feed: who has what there is gets 304 and no body.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
};
use serde::Serialize;

use crate::domain::partner_feed::FeedVersion;

/// What the document says of the header.
pub const ABOUT: &str = "The ETag of an earlier answer to the same call: 304 when nothing has changed.";

/// What a caller has, as it says.
pub struct HasSeen {
    tags: Vec<String>,
    form: String,
}

impl HasSeen {
    /// Reads the header. `form` tells apart what is made of the same offers in another way.
    pub fn of(request: &HttpRequest, form: String) -> Self {
        let values = request.headers().get_all(header::IF_NONE_MATCH);
        let tags = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        Self { tags: tags.map(|tag| tag.trim().trim_start_matches("W/").to_owned()).collect(), form }
    }

    /// Whether it is this.
    pub fn has(&self, version: FeedVersion) -> bool {
        let tag = self.tag(version);
        self.tags.iter().any(|seen| *seen == tag || seen == "*")
    }

    /// 304, or 200 with what is new.
    pub fn answer(&self, version: FeedVersion, news: Option<&impl Serialize>) -> HttpResponse {
        let mut answer = if news.is_some() { HttpResponse::Ok() } else { HttpResponse::NotModified() };
        answer
            // Weak: the same offers, not the same bytes.
            .insert_header((header::ETAG, format!("W/{}", self.tag(version))))
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")))
            .insert_header((header::VARY, HeaderValue::from_static("authorization")));
        match news {
            Some(news) => answer.json(news),
            None => answer.finish(),
        }
    }

    fn tag(&self, version: FeedVersion) -> String {
        format!("\"{}-{}\"", version.to_text(), self.form)
    }
}
