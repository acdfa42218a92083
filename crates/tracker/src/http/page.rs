//! The two short pages a person can meet instead of a redirect. No value of the request is shown: nothing to inject.

use actix_web::{HttpResponse, http::StatusCode};

/// A page with a heading and one sentence, never cached, never telling where the user came from.
pub fn page(status: StatusCode, heading: &str, sentence: &str) -> HttpResponse {
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{heading}</title>\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}}</style></head>\
         <body><h1>{heading}</h1><p>{sentence}</p></body></html>"
    );
    HttpResponse::build(status)
        .insert_header(("cache-control", "no-store"))
        .insert_header(("referrer-policy", "no-referrer"))
        .insert_header(("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"))
        .content_type("text/html; charset=utf-8")
        .body(body)
}
