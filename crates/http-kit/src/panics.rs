//! A handler that panics answers 500 and harms nobody else.
//!
//! Without this a panic closes the connection without an answer. The panic's own text goes to the process's panic
//! hook; here only the fact is kept, so the caller and the span never see what the text may quote.

use std::panic::AssertUnwindSafe;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};
use futures_util::FutureExt as _;

use crate::problem::Problem;

/// The middleware; stands inside the span, so that the log line carries the request's id and trace.
pub(crate) async fn catch_panics<B>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error>
where
    B: MessageBody + 'static,
{
    // Unwind safety: everything the handler held is dropped with its future; what it shared with other requests
    // (pools, caches behind locks) either is not poisoned or says so itself.
    AssertUnwindSafe(next.call(request))
        .catch_unwind()
        .await
        .unwrap_or_else(|_panic| Err(Problem::internal("the handler panicked").into()))
}
