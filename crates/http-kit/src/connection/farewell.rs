//! The last words of a connection whose request never became one: a problem as any other, told before the door closes.

use std::{fmt::Write as _, sync::OnceLock};

use actix_web::{ResponseError as _, body::MessageBody as _, http::StatusCode};
use opentelemetry::{KeyValue, metrics::Counter};

use crate::{
    problem::{PROBLEM_JSON, Problem},
    request_id::{REQUEST_ID_HEADER, RequestId},
};

/// Why a connection is let go without its caller's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// It does not speak HTTP.
    NotHttp,
    /// Its request line is too long.
    LongUri,
    /// Its headers are too many or too long.
    LargeHead,
    /// Its head comes too slowly.
    SlowHead,
    /// It does not take its answer.
    DeafCaller,
}

/// What every answer begins with.
const STATUS_LINE: &[u8] = b"HTTP/1.1 ";
/// The longest answer that the parser gives by itself, in bytes.
const PARSER_ANSWER_BYTES_MAX: usize = 256;

impl Reason {
    /// What the parser refuses by itself, recognised by the answer at the end of what it writes: status line, date, no
    /// body. Everything that is answered to a request has a body or an id. With what comes before it.
    pub(super) fn of_parser_answer(written: &[u8]) -> Option<(&[u8], Self)> {
        if !written.ends_with(b"\r\n\r\n") {
            return None;
        }
        let (_, tail) = written.split_at(written.len().saturating_sub(PARSER_ANSWER_BYTES_MAX));
        let start = tail.windows(STATUS_LINE.len()).rposition(|window| window == STATUS_LINE)?;
        let (_, answer) = tail.split_at(start);
        let text = std::str::from_utf8(answer).ok()?;
        let reason = match text.get(STATUS_LINE.len()..)?.get(..3)? {
            "400" => Self::NotHttp,
            "408" => Self::SlowHead,
            "431" => Self::LargeHead,
            _ => return None,
        };
        let headers = text.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        let mut known = headers.map(|(name, _)| name.to_ascii_lowercase());
        if !known.all(|name| matches!(name.as_str(), "content-length" | "date" | "connection")) {
            return None;
        }
        let (before, _) = written.split_at(written.len().saturating_sub(answer.len()));
        Some((before, reason))
    }

    const fn word(self) -> &'static str {
        match self {
            Self::NotHttp => "not_http",
            Self::LongUri => "uri_too_long",
            Self::LargeHead => "head_too_large",
            Self::SlowHead => "head_too_slow",
            Self::DeafCaller => "answer_not_taken",
        }
    }

    fn problem(self) -> Problem {
        match self {
            Self::NotHttp => Problem::of_status(StatusCode::BAD_REQUEST).detail("this is not HTTP/1.1"),
            Self::LongUri => Problem::of_status(StatusCode::URI_TOO_LONG)
                .detail("path and query are longer than taken here"),
            Self::LargeHead => Problem::of_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
                .detail("the request's headers are more or larger than taken here"),
            Self::SlowHead | Self::DeafCaller => Problem::of_status(StatusCode::REQUEST_TIMEOUT)
                .detail("the request's head did not come in time; send it again"),
        }
    }

    /// Counts it. One line of log for each would be a second flood: at `debug` only.
    pub(super) fn note(self) {
        refused().add(1, &[KeyValue::new("reason", self.word())]);
        tracing::debug!(reason = self.word(), "connection let go before there was a request");
    }

    /// The whole answer, head and body.
    pub(super) fn answer(self, id: RequestId) -> Vec<u8> {
        let problem = self.problem().of_request(id);
        let status = problem.status();
        let body = problem.error_response().into_body().try_into_bytes().unwrap_or_default();
        let mut head = String::with_capacity(256);
        let id = id.to_string();
        // Writing to a string does not fail.
        let written = write!(
            head,
            "HTTP/1.1 {} {}\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {}\r\n{REQUEST_ID_HEADER}: {id}\r\n\
             connection: close\r\n\r\n",
            status.as_u16(),
            status.canonical_reason().unwrap_or("Error"),
            body.len(),
        );
        debug_assert!(written.is_ok());
        [head.as_bytes(), &body].concat()
    }
}

fn refused() -> &'static Counter<u64> {
    static REFUSED: OnceLock<Counter<u64>> = OnceLock::new();
    REFUSED.get_or_init(|| {
        telemetry::meter()
            .u64_counter("http.server.refused.connections")
            .with_description(
                "connections let go before there was a request, by reason: not_http, uri_too_long, head_too_large, \
                 head_too_slow, answer_not_taken",
            )
            .build()
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_the_parsers_own_answers_are_recognised() {
        let parser = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        assert_eq!(Reason::of_parser_answer(parser), Some((&b""[..], Reason::LargeHead)));
        let good = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        let both = [&good[..], parser].concat();
        assert_eq!(Reason::of_parser_answer(&both), Some((&good[..], Reason::LargeHead)));
        for other in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 1\r\n\r\n{",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nx-request-id: 1\r\n\r\n",
            b"HTTP/1.1 400",
            b"\xff",
        ] {
            assert_eq!(Reason::of_parser_answer(other), None);
        }
    }

    #[test]
    fn a_farewell_is_a_problem_that_closes_the_connection() {
        let answer = Reason::LargeHead.answer(RequestId::new(Uuid::nil()));
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{head}");
        assert!(
            head.contains("connection: close") && head.contains(&format!("content-length: {}", body.len()))
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["code"], &body["status"]), (&"headers_too_large".into(), &431.into()));
    }
}
