//! `GET|POST /api/v1/{security segment}`: the only call AppsFlyer makes. Its usual form, a GET, is answered by the
//! [front door](super::front_door); what has a body or breaks a limit comes here.
//!
//! Answers (`SEMANTICS.md` §3): 200 with the receipt for everything authenticated and durable, whatever its content; 404,
//! always the same, for whatever is wrong with the credential; 503 with `Retry-After` only when it could not be made
//! durable. AppsFlyer sends again only after a 5xx, so nothing about the *content* is ever answered with one.

use actix_web::{HttpRequest, HttpResponse, http::header, route, web};
use contracts::ingest::HttpMethod;
use http_kit::Problem;
use serde::Serialize;
use telemetry::TraceContext;
use utoipa::ToSchema;

use super::door::{Door, PREFIX};
use crate::flows::Call;

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
    tag = "Postbacks",
    params(
        ("segment" = String, Path, description = "Security Segment: three tokens, 12, 23 and 17 characters", example = "…/…/…/"),
        ("signature" = String, Query, description = "Signature: 43 characters", example = "…"),
        ("domain" = Option<String>, Query, description = "Domain, where the host does not name the tenant", example = "Brownboots"),
    ),
    request_body(content = String, description = "POST only: a form or a JSON object", content_type = "application/json", example = "{\"gk_click_id\": \"0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e\", \"cnv_event_id\": \"level_10\"}"),
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
    let headers = request.headers();
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let call = Call {
        method: if request.method() == actix_web::http::Method::POST {
            HttpMethod::Post
        } else {
            HttpMethod::Get
        },
        host: text(header::HOST),
        segment: request.uri().path().strip_prefix(PREFIX).unwrap_or_default(),
        query: request.query_string().as_bytes(),
        content_type: text(header::CONTENT_TYPE),
        body: &body,
        caller_ip: http_kit::caller_address(&request, door.caller_ip_header()),
        trace: TraceContext::current(),
    };
    let publisher = door.publisher();
    door.answer(call, async |route, item| publisher.publish(route, item).await).await
}
