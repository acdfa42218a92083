//! Connections, before and after there is a request: whoever is slow, endless, deaf or not speaking HTTP is told so and
//! let go.
//!
//! actix's own server bounds the first head of a connection and the time between two requests. It leaves four doors open,
//! each good for holding a connection for ever: a head that trickles in on a connection already used; a body that nobody
//! reads, sent in chunks without end; an answer that nobody takes; and it answers what its parser refuses without a body,
//! then closes on unread bytes, so that the network throws the answer away. [`guard::Guarded`] stands between the parser
//! and the socket and closes all four; [`body`] bounds the bodies that are read.

mod body;
mod farewell;
mod file_limit;
mod guard;
mod head;
mod listener;
mod progress;

use std::time::Duration;

pub use body::RouteBody;
pub(crate) use body::{Bodies, BodyLimits, problem as body_problem, too_large};
pub(crate) use listener::Listener;

/// Bounds of one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionLimits {
    /// A request's line and headers, in bytes.
    pub head_bytes: usize,
    /// Path and query, in bytes: what is too long of a head that is too long.
    pub uri_bytes: usize,
    /// Time for a whole head, from its first byte.
    pub head_timeout: Duration,
    /// Time for the caller to take what was written.
    pub write_timeout: Duration,
    /// Time to close in peace.
    pub disconnect_timeout: Duration,
}
