//! `GET /api/v1/offer-link/redirect/{link id}`: a user follows a publisher's tracking link.

use actix_web::{HttpRequest, HttpResponse, get, http::StatusCode, web};
use http_kit::Problem;
use kernel::LinkId;
use opentelemetry::{KeyValue, metrics::Counter};
use url::form_urlencoded;

use super::page::page;
use crate::{
    domain::ClickParameters,
    flows::{Answer, Click, ClickError, Recorder},
};

/// Longest user agent kept, in bytes: real ones are below 300.
const USER_AGENT_BYTES_MAX: usize = 1_024;

/// What the door needs; one for each process.
pub struct Door {
    recorder: Recorder,
    /// `Retry-After` of a 503.
    retry_after_seconds: u32,
    /// Header of a trusted proxy that names the user's address; empty: the peer is the user.
    caller_ip_header: String,
    clicks: Counter<u64>,
}

impl Door {
    /// A door onto a recorder.
    #[must_use]
    pub fn new(recorder: Recorder, retry_after_seconds: u32, caller_ip_header: String) -> Self {
        let clicks = telemetry::meter()
            .u64_counter("tracker_clicks")
            .with_description(
                "Clicks by outcome: redirected, fallback, not_available, unknown_link, bad_link, not_durable",
            )
            .build();
        Self { recorder, retry_after_seconds, caller_ip_header, clicks }
    }

    fn count(&self, outcome: &'static str) {
        self.clicks.add(1, &[KeyValue::new("outcome", outcome)]);
    }

    fn unavailable(&self, error: ClickError) -> Problem {
        match error {
            error @ ClickError::NotDurable(_) => {
                Problem::unavailable("the click could not be recorded; try again", self.retry_after_seconds)
                    .because(error)
            }
            error @ ClickError::BrokenLink(_) => Problem::internal(error),
        }
    }
}

/// Follow a tracking link
///
/// Answers 302 to the advertiser's link with a fresh `gk_click_id`, once the click is on disk.
#[utoipa::path(
    path = "/api/v1/offer-link/redirect/{link}",
    params(
        ("link" = String, Path, description = "Link id: one for each shared offer"),
        ("pub_click_id" = String, Query, description = "The publisher's own id of this click"),
        ("pub_member_id" = String, Query, description = "The publisher's user"),
        ("pub_sub_1" = Option<String>, Query, description = "… to pub_sub_15: comes back in the publisher's postback"),
        ("gender" = Option<String>, Query, description = "female or male"),
        ("age" = Option<u32>, Query, description = "In years"),
    ),
    responses(
        (status = 302, description = "On to the advertiser, or to the offer's fallback link"),
        (status = 400, description = "A page that says which parameter is missing"),
        (status = 404, description = "No such link, or the offer is not available"),
        (status = 503, description = "The click can not be recorded now"),
    )
)]
#[get("/api/v1/offer-link/redirect/{link}")]
pub async fn redirect_click(
    request: HttpRequest,
    link: web::Path<String>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let Ok(link) = link.parse::<LinkId>() else {
        door.count("unknown_link");
        return Ok(not_available());
    };
    let pairs: Vec<_> = form_urlencoded::parse(request.query_string().as_bytes()).collect();
    let parameters = match ClickParameters::read(pairs.iter().map(|(name, value)| (&**name, &**value))) {
        Ok(parameters) => parameters,
        Err(missing) => {
            door.count("bad_link");
            return Ok(page(StatusCode::BAD_REQUEST, "This link is not complete", &format!("{missing}.")));
        }
    };
    let click = Click {
        link,
        parameters,
        ip_address: http_kit::caller_ip(&request, &door.caller_ip_header),
        user_agent: user_agent(&request),
    };
    let answer = door.recorder.record(click).await.map_err(|error| {
        door.count("not_durable");
        door.unavailable(error)
    })?;
    Ok(match answer {
        Answer::Redirect(url) => {
            door.count("redirected");
            redirect(url.as_str())
        }
        Answer::Fallback(url) => {
            door.count("fallback");
            redirect(url.as_str())
        }
        Answer::NotAvailable => {
            door.count("not_available");
            not_available()
        }
        Answer::UnknownLink => {
            door.count("unknown_link");
            not_available()
        }
    })
}

fn redirect(to: &str) -> HttpResponse {
    HttpResponse::Found()
        .insert_header(("location", to))
        .insert_header(("cache-control", "no-store"))
        .insert_header(("referrer-policy", "no-referrer"))
        .finish()
}

fn not_available() -> HttpResponse {
    page(StatusCode::NOT_FOUND, "Not available", "This offer is not available at the moment.")
}

fn user_agent(request: &HttpRequest) -> String {
    let text = request.headers().get("user-agent").and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    text.chars().take(USER_AGENT_BYTES_MAX).collect()
}
