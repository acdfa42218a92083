//! Errors as the caller sees them: RFC 9457 `application/problem+json`.
//!
//! A [`Problem`] has two sides. The outer side (status, stable `code`, title, detail, field errors, request id) is
//! written for the person who made the call and says what would be right. The inner side ([`Problem::because`]) is
//! the cause, for the log only: it is logged once, inside the request's span, and never rendered.

use std::{borrow::Cow, error::Error, fmt, sync::Arc};

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::request_id::{REQUEST_ID_HEADER, RequestId};

/// The media type of every error body.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What stands before the `code` in a problem's `type`.
const TYPE_PREFIX: &str = "urn:gokart:problem:";

/// An error for the caller of an API. Cheap to pass around (one pointer), to be returned from handlers with `?`.
#[derive(Clone)]
#[must_use = "a problem does nothing until it is returned"]
pub struct Problem(Box<Inner>);

#[derive(Clone)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    title: Cow<'static, str>,
    detail: Option<String>,
    errors: Vec<FieldError>,
    request_id: Option<RequestId>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// One field that is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where it stands, such as `events[2].payout` or `page_size`.
    pub field: String,
    /// What would be right, such as `must be a whole number from 1 to 100`.
    pub detail: String,
}

/// The body of an error as it travels: RFC 9457 members, then ours.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub struct ProblemBody<'a> {
    /// A URN made of the code; it identifies the kind of problem and is not a link.
    #[schema(example = "urn:gokart:problem:invalid_body")]
    r#type: String,
    /// A short sentence which is the same for every problem of this kind.
    title: &'a str,
    /// The HTTP status, repeated.
    #[schema(example = 422)]
    status: u16,
    /// The stable word to program against.
    #[schema(example = "invalid_body")]
    code: &'a str,
    /// What happened this time and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// The request's id, to be given to support; also in the header `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl Problem {
    /// A problem of a kind of one's own. `code` is part of the API: it never changes once published.
    pub fn new(status: StatusCode, code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            title: title.into(),
            detail: None,
            errors: Vec::new(),
            request_id: None,
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// The plain problem of a status, for errors about which nothing better is known.
    pub fn of_status(status: StatusCode) -> Self {
        let code = match status.as_u16() {
            400 => "bad_request",
            401 => "unauthorized",
            403 => "forbidden",
            404 => "not_found",
            405 => "method_not_allowed",
            408 => "request_timeout",
            409 => "conflict",
            413 => "body_too_large",
            414 => "uri_too_long",
            415 => "unsupported_media_type",
            422 => "unprocessable",
            429 => "too_many_requests",
            431 => "headers_too_large",
            500 => "internal",
            503 => "unavailable",
            _ => "http_error",
        };
        Self::new(status, code, status.canonical_reason().unwrap_or("error"))
    }

    /// 400: the request as a whole cannot be read.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, "the request cannot be read").detail(detail)
    }

    /// 422: the body can be read, but these fields of it are not acceptable.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_body",
            "some fields of the body are not acceptable",
        );
        problem.0.errors = errors;
        problem
    }

    /// 401 with the challenges RFC 9110 asks for. `detail` must not tell an unknown token from an expired one.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::of_status(StatusCode::UNAUTHORIZED).detail(detail).header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(r#"ApiToken realm="gokart", Bearer realm="gokart""#),
        )
    }

    /// 403: known caller, but not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::of_status(StatusCode::FORBIDDEN).detail(detail)
    }

    /// 404 for a thing of the caller's tenant. What belongs to another tenant is "not found", never "forbidden".
    pub fn not_found(what: &str) -> Self {
        Self::of_status(StatusCode::NOT_FOUND).detail(format!("there is no such {what}"))
    }

    /// 409: the thing is in a state, or has a version, that does not allow this.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "the present state does not allow this").detail(detail)
    }

    /// 503 with `Retry-After`: a dependency is down, nothing was done, try again.
    pub fn unavailable(detail: impl Into<String>, retry_after_seconds: u32) -> Self {
        Self::of_status(StatusCode::SERVICE_UNAVAILABLE)
            .detail(detail)
            .header(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds))
    }

    /// 500. The caller learns nothing but the request id; the log gets the cause.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of_status(StatusCode::INTERNAL_SERVER_ERROR).because(cause)
    }

    /// Says what happened this time and what would be right.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Names one wrong field and what would be right there.
    pub fn field(mut self, field: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(FieldError { field: field.into(), detail: detail.into() });
        self
    }

    /// Adds a response header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Keeps the cause for the log. It is never rendered.
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(Arc::from(cause.into()));
        self
    }

    /// The stable word of this kind of problem.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The fields that are wrong.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// What went wrong inside, for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }

    /// Stamps the request's id; the edge of the server does this for every problem.
    pub(crate) fn of_request(mut self, id: RequestId) -> Self {
        self.0.request_id = Some(id);
        self
    }

    /// Adds the wrong fields of another problem.
    pub(crate) fn with_fields_of(mut self, other: Self) -> Self {
        self.0.errors.extend(other.0.errors);
        self
    }

    /// The body as it would travel, with a request id: an example for the document.
    pub(crate) fn example(&self, request_id: &str) -> serde_json::Value {
        let mut body = serde_json::to_value(self.body()).unwrap_or_default();
        if let Some(members) = body.as_object_mut() {
            members.insert("requestId".to_owned(), request_id.into());
        }
        body
    }

    fn body(&self) -> ProblemBody<'_> {
        ProblemBody {
            r#type: format!("{TYPE_PREFIX}{}", self.0.code),
            title: &self.0.title,
            status: self.0.status.as_u16(),
            code: self.0.code,
            detail: self.0.detail.as_deref(),
            errors: &self.0.errors,
            request_id: self.0.request_id.map(|id| id.to_string()),
        }
    }
}

/// For the log: what kind of problem, not what the caller sent (details and field errors may quote the request).
impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.0.status.as_u16(), self.0.code)
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Problem({self})")
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|cause| {
            let cause: &(dyn Error + 'static) = cause;
            cause
        })
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.0.status);
        for header in &self.0.headers {
            response.append_header(header.clone());
        }
        if let Some(id) = self.0.request_id {
            response.insert_header((REQUEST_ID_HEADER, id.header_value()));
        }
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        response.content_type(PROBLEM_JSON).body(body)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody as _;

    use super::*;

    fn rendered(problem: &Problem) -> serde_json::Value {
        let bytes = problem.error_response().into_body().try_into_bytes().unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_problem_reads_as_rfc_9457() {
        let problem = Problem::invalid(vec![]).field("events[2].payout", "must be 0 or more");
        insta::assert_json_snapshot!(rendered(&problem), @r#"
        {
          "code": "invalid_body",
          "errors": [
            {
              "detail": "must be 0 or more",
              "field": "events[2].payout"
            }
          ],
          "status": 422,
          "title": "some fields of the body are not acceptable",
          "type": "urn:gokart:problem:invalid_body"
        }
        "#);
        assert_eq!(problem.error_response().headers().get("content-type").unwrap(), PROBLEM_JSON);
    }

    #[test]
    fn the_cause_is_kept_for_the_log_and_never_rendered() {
        let problem = Problem::internal("password=hunter2 refused");
        assert!(!rendered(&problem).to_string().contains("hunter2"));
        assert_eq!(problem.cause().unwrap().to_string(), "password=hunter2 refused");
    }

    #[test]
    fn neither_display_nor_debug_quote_the_request() {
        let problem = Problem::bad_request("malformed_json", "quoted-canary").field("f", "quoted-canary");
        assert!(!format!("{problem} {problem:?}").contains("canary"));
    }

    #[test]
    fn a_401_carries_a_challenge() {
        let response = Problem::unauthorized("no token").error_response();
        assert!(response.headers().get("www-authenticate").unwrap().to_str().unwrap().contains("Bearer"));
    }
}
