//! What both ways into the tracker share: read a click, record it, count it, answer.

use std::net::IpAddr;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, HeaderValue, LOCATION, REFERRER_POLICY},
    },
};
use bus::{Item, PublishError, Publisher, Route};
use http_kit::Problem;
use kernel::LinkId;
use opentelemetry::{KeyValue, metrics::Counter};
use telemetry::TraceContext;

use super::page::page;
use crate::{
    domain::ClickParameters,
    flows::{Answer, Click, ClickError, Recorder},
};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// Longest user agent kept, in bytes: real ones are below 300.
const USER_AGENT_BYTES_MAX: usize = 1_024;

/// What the door needs; one for each process.
pub struct Door {
    recorder: Recorder,
    publisher: Publisher,
    /// `Retry-After` of a 503.
    retry_after_seconds: u32,
    /// Header of a trusted proxy that names the user's address; empty: the peer is the user.
    caller_ip_header: String,
    clicks: Counter<u64>,
    redirected: [KeyValue; 1],
}

/// A click as it came.
pub struct Call<'a> {
    /// The link's id, as text.
    pub link: &'a str,
    /// The query, undecoded.
    pub query: &'a str,
    /// `User-Agent`, or empty.
    pub user_agent: &'a str,
    /// The device's address, as far as the network tells.
    pub ip_address: Option<IpAddr>,
    /// The caller's trace, or the one of the span that is recorded here; may be empty.
    pub trace: TraceContext,
}

impl Door {
    /// A door onto a recorder.
    #[must_use]
    pub fn new(
        recorder: Recorder,
        publisher: Publisher,
        retry_after_seconds: u32,
        caller_ip_header: String,
    ) -> Self {
        let clicks = telemetry::meter()
            .u64_counter("tracker_clicks")
            .with_description(
                "Clicks by outcome: redirected, fallback, not_available, unknown_link, bad_link, not_loaded, not_durable",
            )
            .build();
        let redirected = [outcome("redirected")];
        Self { recorder, publisher, retry_after_seconds, caller_ip_header, clicks, redirected }
    }

    /// Header of a trusted proxy that names the user's address, or empty.
    pub fn caller_ip_header(&self) -> &str {
        &self.caller_ip_header
    }

    /// The publisher behind the door.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Records a click, durable by `publish`, and answers it.
    ///
    /// # Errors
    /// The problem that is answered: 503.
    pub async fn answer(
        &self,
        call: Call<'_>,
        publish: impl AsyncFnOnce(&Route, Item) -> Result<(), PublishError>,
    ) -> Result<HttpResponse, Problem> {
        let Ok(link) = call.link.parse::<LinkId>() else {
            self.count("unknown_link");
            return Ok(not_available());
        };
        let parameters = match ClickParameters::read(call.query) {
            Ok(parameters) => parameters,
            Err(incomplete) => {
                self.count("bad_link");
                let sentences: Vec<String> =
                    incomplete.wrong.iter().map(|wrong| format!("{wrong}.")).collect();
                return Ok(page(StatusCode::BAD_REQUEST, "This link is not complete", &sentences.join(" ")));
            }
        };
        let click = Click {
            link,
            parameters,
            ip_address: call.ip_address,
            // A header that is text is ASCII: it can be cut anywhere.
            user_agent: call.user_agent.get(..USER_AGENT_BYTES_MAX).unwrap_or(call.user_agent),
            trace: call.trace,
        };
        let answer = self.recorder.record(click, publish).await.map_err(|error| {
            self.count(if matches!(error, ClickError::NotLoaded) { "not_loaded" } else { "not_durable" });
            self.unavailable(error)
        })?;
        match answer {
            Answer::Redirect(url) => {
                self.clicks.add(1, &self.redirected);
                redirect(url)
            }
            Answer::Fallback(url) => {
                self.count("fallback");
                redirect(url)
            }
            Answer::NotAvailable => {
                self.count("not_available");
                Ok(not_available())
            }
            Answer::UnknownLink => {
                self.count("unknown_link");
                Ok(not_available())
            }
        }
    }

    fn count(&self, word: &'static str) {
        self.clicks.add(1, &[outcome(word)]);
    }

    fn unavailable(&self, error: ClickError) -> Problem {
        match error {
            error @ ClickError::NotDurable(_) => {
                Problem::unavailable("the click could not be recorded; try again", self.retry_after_seconds)
                    .because(error)
            }
            error @ ClickError::NotLoaded => {
                Problem::unavailable("the offers are not loaded yet; try again", self.retry_after_seconds)
                    .because(error)
            }
        }
    }
}

fn outcome(word: &'static str) -> KeyValue {
    KeyValue::new("outcome", word)
}

/// `to` is printable ASCII: [`Destination`](crate::domain::Destination) sees to it, and what is no header value is no
/// redirect.
fn redirect(to: String) -> Result<HttpResponse, Problem> {
    let to = HeaderValue::try_from(to).map_err(Problem::internal)?;
    Ok(HttpResponse::Found()
        .insert_header((LOCATION, to))
        .insert_header((CACHE_CONTROL, NO_STORE))
        .insert_header((REFERRER_POLICY, NO_REFERRER))
        .finish())
}

fn not_available() -> HttpResponse {
    page(StatusCode::NOT_FOUND, "Not available", "This offer is not available at the moment.")
}
