//! What came back from a call.

use std::time::Duration;

/// An answer: its status line arrived. What became of the body is in [`Answer::body_end`] and changes nothing about
/// the status: a receiver that said 200 has said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, 100–999.
    pub status: u16,
    /// The header `Retry-After` as sent, when it is plain text of at most 64 bytes. To be read and clamped by the
    /// caller.
    pub retry_after: Option<String>,
    /// The beginning of the body as text, control characters replaced, for people.
    pub excerpt: String,
    /// Bytes of the body that were read.
    pub body_bytes: usize,
    /// How the body ended.
    pub body_end: BodyEnd,
    /// From the beginning of the call to its status line.
    pub answered: Duration,
    /// From the beginning of the call to the end of reading.
    pub elapsed: Duration,
}

impl Answer {
    /// Whether the receiver took it: any 2xx, and nothing else.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// How the body of an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// Read to its end.
    Complete,
    /// Longer than the bound: reading stopped, the connection was closed.
    Capped,
    /// Slower than the call's time: reading stopped, the connection was closed.
    TimedOut,
    /// The connection broke.
    Broken,
}
