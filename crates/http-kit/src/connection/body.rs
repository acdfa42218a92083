//! Bounds on a request's body, whatever extractor reads it.
//!
//! Extractors have limits of their own, but each route chooses its extractor, and one that takes the raw payload has
//! none. So the payload itself is guarded: a body that is too large or too slow ends in an error on every route.
//! actix-web bounds the time for a request's head and not for its body: without this a client that sends one byte a
//! minute would hold a connection and a handler for ever.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    Error, HttpMessage as _,
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::StatusCode,
    web::Bytes,
};
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::problem::Problem;

/// How large and how slow a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    pub bytes: usize,
    pub timeout: Duration,
}

/// Puts the guard around the request's payload. Requests without a body cost nothing.
pub(crate) fn guard(request: &mut ServiceRequest, limits: BodyLimits) {
    let payload = request.take_payload();
    if matches!(payload, Payload::None) {
        return;
    }
    let guarded = GuardedBody {
        payload,
        left: limits.bytes,
        deadline: Box::pin(sleep_until(Instant::now() + limits.timeout)),
    };
    request.set_payload(Payload::Stream { payload: Box::pin(guarded) });
}

struct GuardedBody {
    payload: Payload,
    left: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Stream for GuardedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match Pin::new(&mut this.payload).poll_next(context) {
            Poll::Ready(Some(Ok(chunk))) => match this.left.checked_sub(chunk.len()) {
                Some(left) => {
                    this.left = left;
                    Poll::Ready(Some(Ok(chunk)))
                }
                None => Poll::Ready(Some(Err(PayloadError::Overflow))),
            },
            Poll::Ready(end) => Poll::Ready(end),
            Poll::Pending => this.deadline.as_mut().poll(context).map(|()| {
                Some(Err(PayloadError::Io(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the body came too slowly",
                ))))
            }),
        }
    }
}

/// A body that did not arrive whole. Extractors pass the guard's error on in their own ways; whatever is not known is a
/// broken transfer.
pub(crate) fn problem(error: &Error) -> Problem {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE)
            .detail("the body is larger than this server takes"),
        Some(PayloadError::Io(reason)) if reason.kind() == io::ErrorKind::TimedOut => {
            Problem::of_status(StatusCode::REQUEST_TIMEOUT).detail("the body came too slowly; send it again")
        }
        Some(_) | None => {
            Problem::bad_request("unreadable_body", "the body did not arrive whole; send it again")
        }
    }
}
