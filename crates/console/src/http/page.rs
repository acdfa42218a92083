//! What all pages share: the frame, and headers that forbid everything the pages do not need.

use actix_web::{HttpResponse, http::StatusCode};
use maud::{DOCTYPE, Markup, html};

use crate::sessions::Session;

/// No script, no picture, no frame, nothing from elsewhere; forms go only to us.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page. Never stored: it shows money, and sometimes credentials.
pub fn page(status: StatusCode, title: &str, session: Option<&Session>, body: &Markup) -> HttpResponse {
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · GoKart" }
                link rel="stylesheet" href="/static/console.css";
            }
            body {
                @if let Some(session) = session {
                    header {
                        nav {
                            strong { (session.tenant) }
                            a href="/" { "Offers" }
                            a href="/story" { "Click story" }
                            a href="/postback" { "Postback" }
                        }
                        form method="post" action="/logout" {
                            (form_token(session))
                            button { "Sign out" }
                        }
                    }
                }
                main {
                    h1 { (title) }
                    (body)
                }
            }
        }
    };
    HttpResponse::build(status)
        .insert_header(("cache-control", "no-store"))
        .insert_header(("content-security-policy", POLICY))
        .insert_header(("referrer-policy", "no-referrer"))
        .insert_header(("x-content-type-options", "nosniff"))
        .content_type("text/html; charset=utf-8")
        .body(whole.into_string())
}

/// The hidden field of every form.
pub fn form_token(session: &Session) -> Markup {
    html! { input type="hidden" name="form_token" value=(session.form_token.as_str()); }
}
