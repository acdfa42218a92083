//! What both ways into the tracker share: read a click, record it, count it, answer.

use std::net::IpAddr;

use actix_web::{
    HttpResponse,
    http::{
        Method, StatusCode,
        header::{
            ACCEPT, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, USER_AGENT,
        },
    },
};
use bus::{Item, PublishError, Publisher, Route};
use http_kit::Problem;
use opentelemetry::{KeyValue, metrics::Counter};
use telemetry::TraceContext;

use super::{glance::Glance, page::page};
use crate::{
    domain::{ClickParameters, Country, WrongParameter},
    flows::{Answer, Caller, Click, ClickError, Recorder, Sight},
};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
static PLATFORM_HINT: HeaderName = HeaderName::from_static("sec-ch-ua-platform");

const NOT_AVAILABLE: &str = "This offer is not available at the moment.";

/// Longest user agent kept, in bytes: real ones are below 300.
const USER_AGENT_BYTES_MAX: usize = 1_024;

/// What the door needs; one for each process.
pub struct Door {
    recorder: Recorder,
    publisher: Publisher,
    manners: Manners,
    clicks: Counter<u64>,
    redirected: [KeyValue; 1],
}

/// How calls are read and answered.
#[derive(Debug, Clone)]
pub struct Manners {
    /// `Retry-After` of a 503.
    pub retry_after_seconds: u32,
    /// Header of a trusted proxy that names the user's address; empty: the peer is the user.
    pub caller_ip_header: String,
    /// Header of a trusted proxy that names the user's country; `None`: there is none.
    pub country_header: Option<HeaderName>,
}

/// A click as it came.
pub struct Call<'a> {
    /// GET or HEAD.
    pub method: &'a Method,
    /// The link's id, as text.
    pub link: &'a str,
    /// The query, undecoded.
    pub query: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The device's address, as far as the network tells.
    pub ip_address: Option<IpAddr>,
    /// The caller's trace, or the one of the span that is recorded here; may be empty.
    pub trace: TraceContext,
}

impl<'a> Call<'a> {
    /// A header, when it is there and text; else empty.
    fn header(&self, name: &HeaderName) -> &'a str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether the caller is a program that asked for JSON. A browser asks for HTML before everything else.
    fn wants_json(&self) -> bool {
        let accept = self.header(&ACCEPT);
        accept.contains("json") && !accept.contains("text/html")
    }
}

impl Door {
    /// A door onto a recorder.
    #[must_use]
    pub fn new(recorder: Recorder, publisher: Publisher, manners: Manners) -> Self {
        let clicks = telemetry::meter()
            .u64_counter("tracker_clicks")
            .with_description(
                "Clicks by outcome: redirected, double_tap, fallback, not_available, unknown_link, bad_link, not_loaded, not_durable; and preview, ahead for calls that are no clicks",
            )
            .build();
        let redirected = [outcome("redirected")];
        Self { recorder, publisher, manners, clicks, redirected }
    }

    /// Header of a trusted proxy that names the user's address, or empty.
    pub fn caller_ip_header(&self) -> &str {
        &self.manners.caller_ip_header
    }

    /// The publisher behind the door.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Records a click, durable by `publish`, and answers it; answers whoever only looks.
    ///
    /// # Errors
    /// The problem that is answered: 503, and 400 or 404 to whoever asked for JSON.
    pub async fn answer(
        &self,
        call: Call<'_>,
        publish: impl AsyncFnOnce(&Route, Item) -> Result<(), PublishError>,
    ) -> Result<HttpResponse, Problem> {
        if let Some(glance) = Glance::of(call.method, call.headers) {
            return self.show(glance, call.link);
        }
        let wants_json = call.wants_json();
        let user_agent = call.header(&USER_AGENT);
        let country = self.manners.country_header.as_ref();
        let click = Click {
            link: call.link,
            parameters: ClickParameters::read(call.query),
            caller: Caller {
                ip_address: call.ip_address,
                // A header that is text is ASCII: it can be cut anywhere.
                user_agent: user_agent.get(..USER_AGENT_BYTES_MAX).unwrap_or(user_agent),
                platform_hint: call.header(&PLATFORM_HINT),
                country: country.and_then(|name| call.header(name).parse::<Country>().ok()),
            },
            trace: call.trace,
        };
        let answer = self.recorder.record(click, publish).await.map_err(|error| self.unavailable(error))?;
        match answer {
            Answer::Redirect(url) => {
                self.clicks.add(1, &self.redirected);
                redirect(url)
            }
            Answer::Again(url) => {
                self.count("double_tap");
                redirect(url)
            }
            Answer::Fallback(url) => {
                self.count("fallback");
                redirect(url)
            }
            Answer::NotAvailable => {
                self.count("not_available");
                not_available(wants_json)
            }
            Answer::UnknownLink => {
                self.count("unknown_link");
                not_available(wants_json)
            }
            Answer::Incomplete(wrong) => {
                self.count("bad_link");
                incomplete(&wrong, wants_json)
            }
        }
    }

    fn show(&self, glance: Glance, link: &str) -> Result<HttpResponse, Problem> {
        if glance == Glance::Ahead {
            self.count("ahead");
            let sentence = "This link opens when it is followed.";
            return Ok(page(StatusCode::FORBIDDEN, "Not loaded ahead", sentence));
        }
        self.count("preview");
        match self.recorder.look(link).map_err(|error| self.unavailable(error))? {
            Sight::Offer(offer) => {
                Ok(page(StatusCode::OK, &offer.headline, "Follow the link on your device to go on."))
            }
            Sight::NotAvailable => not_available(false),
        }
    }

    fn count(&self, word: &'static str) {
        self.clicks.add(1, &[outcome(word)]);
    }

    fn unavailable(&self, error: ClickError) -> Problem {
        let (word, detail) = match error {
            ClickError::NotDurable(_) => ("not_durable", "the click could not be recorded; try again"),
            ClickError::NotLoaded => ("not_loaded", "the offers are not loaded yet; try again"),
        };
        self.count(word);
        Problem::unavailable(detail, self.manners.retry_after_seconds).because(error)
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

fn not_available(wants_json: bool) -> Result<HttpResponse, Problem> {
    if wants_json {
        let problem = Problem::of_status(StatusCode::NOT_FOUND).detail(NOT_AVAILABLE);
        return Err(problem.header(CACHE_CONTROL, NO_STORE));
    }
    Ok(page(StatusCode::NOT_FOUND, "Not available", NOT_AVAILABLE))
}

fn incomplete(wrong: &[WrongParameter], wants_json: bool) -> Result<HttpResponse, Problem> {
    if wants_json {
        let problem = Problem::bad_request("missing_parameter", "the tracking link is not complete");
        let problem = wrong.iter().fold(problem, |problem, wrong| problem.field(wrong.name, wrong.problem));
        return Err(problem.header(CACHE_CONTROL, NO_STORE));
    }
    let sentences: Vec<String> = wrong.iter().map(|wrong| format!("{wrong}.")).collect();
    Ok(page(StatusCode::BAD_REQUEST, "This link is not complete", &sentences.join(" ")))
}
