//! What a publisher's answer means: a 2xx status line is delivered, whatever the body does; 410 stops this delivery;
//! everything else, redirects included, is tried again.

use kernel::Timestamp;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// With a status line.
    Status {
        /// Its code.
        code: u16,
        /// When the receiver asked to be called again, in seconds.
        retry_after: Option<u64>,
    },
    /// Without one: nobody listened, nothing came in time, the address may not be called.
    None,
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// The publisher knows.
    Delivered,
    /// The receiver is gone for good (410).
    Gone,
    /// Try again, not before what the receiver asked for.
    TryAgain {
        /// In seconds.
        retry_after: Option<u64>,
    },
}

/// What follows from an answer.
#[must_use]
pub const fn conclude(answer: Answer) -> Conclusion {
    match answer {
        Answer::Status { code: 200..=299, .. } => Conclusion::Delivered,
        Answer::Status { code: 410, .. } => Conclusion::Gone,
        Answer::Status { retry_after, .. } => Conclusion::TryAgain { retry_after },
        Answer::None => Conclusion::TryAgain { retry_after: None },
    }
}

/// The seconds a `Retry-After` header asks for: a number, or an HTTP date. Anything else asks for nothing.
#[must_use]
pub fn retry_after_seconds(header: &str, now: Timestamp) -> Option<u64> {
    let header = header.trim();
    if header.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number beyond u64 is still "very late"; an empty header is none.
        return (!header.is_empty()).then(|| header.parse().unwrap_or(u64::MAX));
    }
    let date = chrono::DateTime::parse_from_rfc2822(header).ok()?;
    let now_seconds = now.as_millis().checked_div(1_000)?;
    u64::try_from(date.timestamp().saturating_sub(now_seconds)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(200, Conclusion::Delivered)]
    #[case(204, Conclusion::Delivered)]
    #[case(299, Conclusion::Delivered)]
    #[case(199, Conclusion::TryAgain { retry_after: Some(9) })]
    #[case(301, Conclusion::TryAgain { retry_after: Some(9) })]
    #[case(404, Conclusion::TryAgain { retry_after: Some(9) })]
    #[case(429, Conclusion::TryAgain { retry_after: Some(9) })]
    #[case(503, Conclusion::TryAgain { retry_after: Some(9) })]
    #[case(410, Conclusion::Gone)]
    fn only_2xx_is_delivered(#[case] code: u16, #[case] expected: Conclusion) {
        assert_eq!(conclude(Answer::Status { code, retry_after: Some(9) }), expected);
    }

    #[rstest]
    #[case("120", Some(120))]
    #[case(" 0 ", Some(0))]
    #[case("99999999999999999999999", Some(u64::MAX))]
    #[case("Sun, 06 Nov 1994 08:49:37 GMT", Some(60))]
    #[case("Sun, 06 Nov 1994 08:47:37 GMT", None)]
    #[case("-5", None)]
    #[case("", None)]
    #[case("soon", None)]
    fn retry_after_is_seconds_or_a_date(#[case] header: &str, #[case] expected: Option<u64>) {
        // 1994-11-06T08:48:37Z
        assert_eq!(retry_after_seconds(header, Timestamp::from_micros(784_111_717_000_000)), expected);
    }

    proptest! {
        #[test]
        fn no_header_panics(header in any::<String>(), now in any::<i64>()) {
            let _seconds = retry_after_seconds(&header, Timestamp::from_micros(now));
        }
    }
}
