//! How a call fails before its status line arrives.
//!
//! None of these carry the URL, the address or the text of the library's error: all three are chosen by the receiver or
//! hold its secrets, and they are stored and shown.

use std::{error::Error as _, io};

use super::{resolver::AddressRefused, target::TargetError};

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The URL may not be called at all.
    #[error("the URL {0}")]
    Target(#[from] TargetError),
    /// The name leads to addresses that may not be called.
    #[error("the name does not lead to a public address")]
    Address,
    /// The name does not resolve.
    #[error("the name cannot be resolved")]
    Name,
    /// No TCP connection.
    #[error("cannot connect")]
    Connect,
    /// No TLS connection: certificate expired, of another name, of an unknown issuer, or not TLS at all.
    #[error("cannot agree on TLS (is the certificate valid for this name?)")]
    Tls,
    /// Connected too slowly.
    #[error("connecting took too long")]
    ConnectTimeout,
    /// No status line in time. The receiver may have acted on the request.
    #[error("no answer in time")]
    AnswerTimeout,
    /// The connection broke, or what came back is not HTTP. The receiver may have acted on the request.
    #[error("the connection broke before the answer")]
    Broken,
    /// The request itself cannot be sent, such as a header with a line break.
    #[error("the request cannot be built")]
    Request,
}

impl SendError {
    /// Whether the receiver may have seen the request, so that sending it again may be a duplicate there.
    #[must_use]
    pub const fn may_have_arrived(self) -> bool {
        matches!(self, Self::AnswerTimeout | Self::Broken)
    }

    /// A stable word for tables and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Target(_) => "target",
            Self::Address => "address",
            Self::Name => "name",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::ConnectTimeout => "connect_timeout",
            Self::AnswerTimeout => "answer_timeout",
            Self::Broken => "broken",
            Self::Request => "request",
        }
    }

    /// Sorts a library error by what happened; its text is dropped.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        if causes(error).any(<dyn std::error::Error>::is::<AddressRefused>) {
            return Self::Address;
        }
        if error.is_dns() {
            return Self::Name;
        }
        if error.is_builder() {
            return Self::Request;
        }
        if error.is_connect() {
            return if error.is_timeout() {
                Self::ConnectTimeout
            } else if causes(error).any(is_tls) {
                Self::Tls
            } else {
                Self::Connect
            };
        }
        if error.is_timeout() { Self::AnswerTimeout } else { Self::Broken }
    }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn std::error::Error + 'static)| (*cause).source())
}

/// rustls hides inside `io::Error`s, one in the other, whose `source` skips what they hold.
fn is_tls(cause: &(dyn std::error::Error + 'static)) -> bool {
    let held = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.is::<rustls::Error>() || held.is_some_and(|held| is_tls(held))
}

/// The client cannot be made: a bug, or no root certificates on this machine.
#[derive(Debug, thiserror::Error)]
#[error("cannot build the outbound HTTP client")]
pub struct BuildError(#[source] pub(super) reqwest::Error);
