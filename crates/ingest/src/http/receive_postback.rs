//! `GET|POST /api/v1/{security segment}`: the only call AppsFlyer makes.
//!
//! Answers (`SEMANTICS.md` §3): 200 with the receipt for everything authenticated and durable, whatever its content; 404,
//! always the same, for whatever is wrong with the credential; 503 with `Retry-After` only when it could not be made
//! durable. AppsFlyer sends again only after a 5xx, so nothing about the *content* is ever answered with one.

use actix_web::{HttpRequest, HttpResponse, route, web};
use contracts::ingest::HttpMethod;
use http_kit::Problem;
use opentelemetry::{KeyValue, metrics::Counter};
use serde::Serialize;
use utoipa::ToSchema;

use crate::flows::{Call, ReceiveError, Receiver};

/// The path in front of the security segment.
const PREFIX: &str = "/api/v1/";

/// What the door needs; one for each process.
pub struct Door {
    receiver: Receiver,
    /// `Retry-After` of a 503.
    retry_after_seconds: u32,
    /// Header of a trusted proxy that names the caller; empty: the peer is the caller.
    caller_ip_header: String,
    calls: Counter<u64>,
}

impl Door {
    /// A door onto a receiver.
    #[must_use]
    pub fn new(receiver: Receiver, retry_after_seconds: u32, caller_ip_header: String) -> Self {
        let calls = telemetry::meter()
            .u64_counter("ingest_calls")
            .with_description("Calls from AppsFlyer by outcome: accepted, refused, not_durable")
            .build();
        Self { receiver, retry_after_seconds, caller_ip_header, calls }
    }
}

/// The answer to everything that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct Receipt {
    /// Names this call for ever; every decision about it carries the receipt.
    #[schema(example = "019a2b6e-5d0e-7cc1-a3a8-6f2f5b8f2c11")]
    receipt: String,
}

/// Take a postback
///
/// The URL that the console shows, filled in by AppsFlyer. Parameters are not checked here: what they mean is decided
/// later, and every accepted call gets a decision.
#[utoipa::path(
    method(get, post),
    path = "/api/v1/{segment}",
    params(
        ("segment" = String, Path, description = "Security Segment: three tokens, 12, 23 and 17 characters"),
        ("signature" = String, Query, description = "Signature: 43 characters"),
        ("domain" = Option<String>, Query, description = "Domain, where the host does not name the tenant"),
    ),
    request_body(content = String, description = "POST only: a form or a JSON object", content_type = "application/json"),
    responses(
        (status = 200, description = "Taken and durable", body = Receipt),
        (status = 404, description = "Segment, domain and signature do not belong together"),
        (status = 503, description = "Can not be made durable now; send it again"),
    )
)]
#[route("/api/v1/{segment:.*}", method = "GET", method = "POST")]
pub async fn receive_postback(
    request: HttpRequest,
    body: web::Bytes,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let call = Call {
        method: if request.method() == actix_web::http::Method::POST {
            HttpMethod::Post
        } else {
            HttpMethod::Get
        },
        host: request.headers().get("host").and_then(|host| host.to_str().ok()),
        segment: request.uri().path().strip_prefix(PREFIX).unwrap_or_default(),
        query: request.query_string().as_bytes(),
        content_type: request.headers().get("content-type").and_then(|kind| kind.to_str().ok()),
        body: &body,
        caller_ip: &http_kit::caller_ip(&request, &door.caller_ip_header),
    };
    let outcome = door.receiver.receive(call).await;
    let word = match &outcome {
        Ok(_receipt) => "accepted",
        Err(ReceiveError::Refused) => "refused",
        Err(ReceiveError::NotDurable(_)) => "not_durable",
    };
    door.calls.add(1, &[KeyValue::new("outcome", word)]);
    match outcome {
        Ok(receipt) => Ok(HttpResponse::Ok().json(Receipt { receipt: receipt.to_string() })),
        Err(ReceiveError::Refused) => Err(Problem::not_found("postback address")),
        Err(error @ ReceiveError::NotDurable(_)) => {
            Err(Problem::unavailable("the postback was not taken; send it again", door.retry_after_seconds)
                .because(error))
        }
    }
}
