//! Bounds on a request's body, whatever handler and extractor read it.
//!
//! Extractors have limits of their own, but each route chooses its extractor, and one that takes the raw payload has
//! none. So the payload itself is guarded: a body that is too large or too slow ends in an error on every route.
//! actix-web bounds the time for a request's head and not for its body: without this a client that sends one byte a
//! minute would hold a connection and a handler for ever.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_http::Request;
use actix_web::{Error, dev::Payload, error::PayloadError, http::StatusCode, web::Bytes};
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::progress::Progress;
use crate::problem::Problem;

/// How large and how slow a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    pub bytes: usize,
    pub timeout: Duration,
}

/// What the bodies of one path may be, where the server's usual bounds do not fit: an import that is read row by row.
#[derive(Debug, Clone, Copy)]
pub struct RouteBody {
    /// The whole path, without macros.
    pub path: &'static str,
    /// How large.
    pub bytes: usize,
    /// How slow.
    pub timeout: Duration,
}

/// The bounds of every path of a server.
#[derive(Debug, Clone)]
pub(crate) struct Bodies {
    pub usual: BodyLimits,
    pub routes: Arc<[RouteBody]>,
}

impl Bodies {
    /// Those of a path, as it came: one that is written in another way has the usual ones.
    pub fn of(&self, path: &str) -> BodyLimits {
        let own = self.routes.iter().find(|route| route.path == path);
        own.map_or(self.usual, |route| BodyLimits { bytes: route.bytes, timeout: route.timeout })
    }
}

/// Puts the guard around the request's payload. Requests without a body cost nothing.
pub(super) fn guard(request: &mut Request, limits: BodyLimits, progress: Option<Rc<Progress>>) {
    let payload = request.take_payload();
    if matches!(payload, Payload::None) {
        return;
    }
    let guarded = GuardedBody {
        payload,
        progress,
        left: limits.bytes,
        deadline: Box::pin(sleep_until(Instant::now() + limits.timeout)),
    };
    *request.payload() = Payload::Stream { payload: Box::pin(guarded) };
}

struct GuardedBody {
    payload: Payload,
    /// Of the connection; absent in tests without one.
    progress: Option<Rc<Progress>>,
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
            Poll::Ready(None) => {
                if let Some(progress) = &this.progress {
                    progress.body_ended();
                }
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Pending => this.deadline.as_mut().poll(context).map(|()| {
                Some(Err(PayloadError::Io(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the body came too slowly",
                ))))
            }),
        }
    }
}

/// A body that says so itself.
pub(crate) fn too_large(limit_bytes: usize) -> Problem {
    Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE).detail(format!("a body may have {limit_bytes} bytes"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_path_has_bounds_of_its_own() {
        let second = Duration::from_secs(1);
        let bodies = Bodies {
            usual: BodyLimits { bytes: 10, timeout: second },
            routes: Arc::from([RouteBody { path: "/large", bytes: 1_000, timeout: second }]),
        };
        let bytes = ["/large", "/large/", "/Large", "/", "/larger"].map(|path| bodies.of(path).bytes);
        assert_eq!(bytes, [1_000, 10, 10, 10, 10]);
    }
}
