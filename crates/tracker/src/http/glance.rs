//! Calls that look at a link without following it. They make no click, and each gets what does no harm with it:
//!
//! - a preview of a chat, a crawler, or a `HEAD`: a small page (200) that names the offer. Not the redirect: whoever draws a
//!   preview follows redirects, and AppsFlyer would count a click that no user made;
//! - a browser that loads ahead (`Sec-Purpose: prefetch`): 403. Not the small page: a browser may keep any 2xx and show it,
//!   without asking again, when the user does follow the link; after a refusal it asks again.

use actix_web::http::{
    Method,
    header::{HeaderMap, HeaderName, USER_AGENT},
};

use crate::domain::{is_ahead, is_looker};

/// Where browsers say that they load ahead: today's, Chrome's and Safari's old ones, Firefox's old one.
static PURPOSES: [HeaderName; 4] = [
    HeaderName::from_static("sec-purpose"),
    HeaderName::from_static("purpose"),
    HeaderName::from_static("x-purpose"),
    HeaderName::from_static("x-moz"),
];

/// How a call only looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glance {
    /// To show somebody what the link is.
    Preview,
    /// In case the user follows the link.
    Ahead,
}

impl Glance {
    /// `None`: somebody follows the link.
    pub fn of(method: &Method, headers: &HeaderMap) -> Option<Self> {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if PURPOSES.iter().any(|name| text(name).is_some_and(is_ahead)) {
            Some(Self::Ahead)
        } else if method == Method::HEAD || text(&USER_AGENT).is_some_and(is_looker) {
            Some(Self::Preview)
        } else {
            None
        }
    }
}
