//! The outermost layer of every server: request id, size of the request line, the body's size where it is announced, and the promise
//! that every error leaves as a [`Problem`] that carries the request's id.
//!
//! It stands outside the span ([`crate::root_span`]), which needs the id, and outside the panic guard
//! ([`crate::panics`]), whose problem it renders.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage as _, HttpResponse, ResponseError as _,
    body::{BodySize, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    middleware::Next,
    web,
};
use kernel::IdSource;

use crate::{
    connection::{self, Bodies},
    problem::Problem,
    request_id::{REQUEST_ID_HEADER, RequestId},
};

/// What the edge needs to know; one a server.
pub(crate) struct Edge {
    pub ids: Arc<dyn IdSource>,
    pub uri_limit_bytes: usize,
    pub bodies: Bodies,
}

/// The middleware itself; reads its [`Edge`] from the app's data.
pub(crate) async fn edge<B>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error>
where
    B: MessageBody + 'static,
{
    let Some(edge) = request.app_data::<web::Data<Edge>>().cloned() else {
        return Err(Problem::internal("the server was built without its edge").into());
    };
    let id = RequestId::new(edge.ids.uuid_v7());
    request.extensions_mut().insert(id);

    let uri_bytes = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if uri_bytes > edge.uri_limit_bytes {
        let problem = Problem::of_status(StatusCode::URI_TOO_LONG)
            .detail(format!("path and query may have {} bytes together", edge.uri_limit_bytes));
        let response = problem.of_request(id).error_response();
        return Ok(request.into_response(response).map_into_right_body());
    }
    let limit_bytes = edge.bodies.of(request.path()).bytes;
    if announces_more_than(limit_bytes, &request) {
        let response = connection::too_large(limit_bytes).of_request(id).error_response();
        return Ok(request.into_response(response).map_into_right_body());
    }

    match next.call(request).await {
        Ok(response) => Ok(as_problem(response, id)),
        // The request is gone with the error, so the problem itself carries id and header to the dispatcher.
        Err(error) => Err(problem_of(&error).of_request(id).into()),
    }
}

/// Refused before the first byte of it is read, on routes that never read one as well: a caller who was told "too large"
/// by one route must not be told "yes" by the next.
fn announces_more_than(limit_bytes: usize, request: &ServiceRequest) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    // The parser has refused what is no number.
    length.and_then(|length| length.trim().parse::<usize>().ok()).is_some_and(|length| length > limit_bytes)
}

/// Re-renders errors with the request's id; leaves answers (and errors a handler rendered itself) alone.
fn as_problem<B: MessageBody>(response: ServiceResponse<B>, id: RequestId) -> ServiceResponse<EitherBody<B>> {
    let problem = match response.response().error() {
        Some(error) if error.as_error::<Problem>().is_some() || is_plain(response.response()) => {
            Some(problem_of(error))
        }
        None if is_bare_refusal(response.response()) => Some(Problem::of_status(response.status())),
        Some(_) | None => None,
    };
    let mut response = match problem {
        None => response.map_into_left_body(),
        Some(problem) => {
            let (request, refused) = response.into_parts();
            let mut rendered = problem.of_request(id).error_response();
            if let Some(allow) = refused.headers().get(header::ALLOW) {
                rendered.headers_mut().insert(header::ALLOW, allow.clone());
            }
            ServiceResponse::new(request, rendered).map_into_right_body()
        }
    };
    let value: HeaderValue = id.header_value();
    response.headers_mut().insert(REQUEST_ID_HEADER, value);
    response
}

/// Our own problems as they are; of foreign errors only the status, because their text may quote the request.
fn problem_of(error: &Error) -> Problem {
    if let Some(problem) = error.as_error::<Problem>() {
        return problem.clone();
    }
    if error.as_error::<PayloadError>().is_some() {
        return connection::body_problem(error);
    }
    Problem::of_status(error.as_response_error().status_code())
}

/// Whether this is what actix renders of an error by itself.
fn is_plain<B>(response: &HttpResponse<B>) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// Whether this is an error status without any body, as actix's own defaults answer.
fn is_bare_refusal<B: MessageBody>(response: &HttpResponse<B>) -> bool {
    let status = response.status();
    (status.is_client_error() || status.is_server_error())
        && matches!(response.body().size(), BodySize::None | BodySize::Sized(0))
}
