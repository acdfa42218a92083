//! What the relay hands its batches to. The service joins this crate and the bus with a few lines that implement it;
//! neither knows the other.

use std::future::Future;

use super::Outgoing;

/// Takes facts and answers when they are safe.
pub trait Sink: Send + Sync + 'static {
    /// Sends all of `facts`; `Ok` means that the broker has confirmed every one of them.
    ///
    /// Cancel safe: when the future is dropped, facts may or may not have been sent, and are offered again.
    fn send(&self, facts: Vec<Outgoing>) -> impl Future<Output = Result<(), SinkError>> + Send;

    /// Whether sending has a chance. While it has none the relay opens no transactions.
    fn is_writable(&self) -> bool {
        true
    }
}

/// Why facts are not known to be safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// The broker can not take them now. They are offered again for ever.
    #[error("the broker can not take facts now: {0}")]
    Unavailable(String),
    /// One of them can never be sent, as it is. It is found and buried in `dead_items`, the others are sent.
    #[error("a fact can not be sent as it is: {0}")]
    Refused(String),
}
