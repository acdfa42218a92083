//! The short pages a person, or a program that draws a preview, can meet instead of a redirect. No value of the request is
//! shown: nothing to inject. What an account manager wrote is escaped by the template.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, REFERRER_POLICY},
    },
};
use maud::{DOCTYPE, html};

const STYLE: &str =
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}";

/// A page with a heading and one sentence, never cached, never telling where the user came from.
pub fn page(status: StatusCode, heading: &str, sentence: &str) -> HttpResponse {
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                meta property="og:title" content=(heading);
                meta property="og:description" content=(sentence);
                title { (heading) }
                style { (STYLE) }
            }
            body {
                h1 { (heading) }
                p { (sentence) }
            }
        }
    };
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header(("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"))
        .content_type("text/html; charset=utf-8")
        .body(body.into_string())
}
