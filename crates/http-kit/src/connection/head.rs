//! Watches a head on its way in: how large it is, where it is too large, and since when it comes.

use super::ConnectionLimits;

/// What is wrong with a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// Its first line alone.
    Line,
    /// All of it.
    Head,
}

/// One head, or the beginning of one.
#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: usize,
    line: Line,
    /// How much of `\r\n\r\n` the latest bytes were.
    ending: usize,
    is_whole: bool,
}

/// The length of the first line, as far as it has come.
#[derive(Debug, Clone, Copy)]
enum Line {
    Open(usize),
    Whole(usize),
}

impl Default for Line {
    fn default() -> Self {
        Self::Open(0)
    }
}

impl Head {
    /// Whether all of it has come, so that the parser has something to work on.
    pub(super) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Takes note of bytes that came. What comes after the head's end does not concern it.
    pub(super) fn take_in(&mut self, bytes: &[u8], limits: &ConnectionLimits) -> Result<(), Excess> {
        if self.is_whole {
            return Ok(());
        }
        if self.bytes == 0 && bytes.ends_with(b"\r\n\r\n") && bytes.len() <= limits.head_bytes {
            // Nearly every head comes whole and alone: no look at each byte.
            self.bytes = bytes.len();
            self.is_whole = true;
            self.line = Line::Whole(bytes.iter().position(|byte| *byte == b'\n').unwrap_or_default());
            return Ok(());
        }
        for byte in bytes {
            self.bytes = self.bytes.saturating_add(1);
            if let Line::Open(length) = self.line {
                self.line =
                    if *byte == b'\n' { Line::Whole(length) } else { Line::Open(length.saturating_add(1)) };
            }
            self.ending = match (self.ending, byte) {
                (0 | 2, b'\r') | (1 | 3, b'\n') => self.ending.saturating_add(1),
                (_, b'\r') => 1,
                _ => 0,
            };
            if self.bytes > limits.head_bytes {
                return Err(self.excess(limits));
            }
            if self.ending == 4 {
                self.is_whole = true;
                return Ok(());
            }
        }
        Ok(())
    }

    /// What is too long about a head that was refused for its size.
    const fn excess(&self, limits: &ConnectionLimits) -> Excess {
        if self.line_is_too_long(limits) { Excess::Line } else { Excess::Head }
    }

    /// Whether path and query can not be within their limit.
    pub(super) const fn line_is_too_long(&self, limits: &ConnectionLimits) -> bool {
        let (Line::Open(length) | Line::Whole(length)) = self.line;
        length > limits.uri_bytes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const LIMITS: ConnectionLimits = ConnectionLimits {
        head_bytes: 100,
        uri_bytes: 40,
        head_timeout: Duration::ZERO,
        write_timeout: Duration::ZERO,
        disconnect_timeout: Duration::ZERO,
    };

    #[test]
    fn a_whole_head_is_whole_and_what_follows_is_not_counted() {
        let mut head = Head::default();
        assert!(!head.is_whole());
        head.take_in(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", &LIMITS).unwrap();
        assert!(head.is_whole());
        head.take_in(&[b'x'; 1_000], &LIMITS).unwrap();
    }

    #[test]
    fn it_is_told_what_is_too_long() {
        let mut line = Head::default();
        assert_eq!(line.take_in(&[b'q'; 101], &LIMITS), Err(Excess::Line));
        let mut headers = Head::default();
        headers.take_in(b"GET / HTTP/1.1\r\n", &LIMITS).unwrap();
        assert_eq!(headers.take_in(&[b'h'; 101], &LIMITS), Err(Excess::Head));
    }

    proptest! {
        #[test]
        fn however_a_head_is_cut_the_finding_is_the_same(
            line in 1_usize..60, header in 0_usize..120, body in 0_usize..60, cuts in prop::collection::vec(1_usize..50, 1..8),
        ) {
            let text = format!(
                "{}\r\nh: {}\r\n\r\n{}", "l".repeat(line), "v".repeat(header), "b".repeat(body)
            );
            let mut whole = Head::default();
            let expected = whole.take_in(text.as_bytes(), &LIMITS);
            let mut cut = Head::default();
            let mut rest = text.as_bytes();
            let mut found = Ok(());
            for at in cuts.into_iter().chain([text.len()]) {
                let (piece, after) = rest.split_at(at.min(rest.len()));
                rest = after;
                found = found.and_then(|()| cut.take_in(piece, &LIMITS));
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(cut.is_whole(), whole.is_whole());
            prop_assert_eq!(expected.is_ok(), line + header + 9 <= 100, "of {} and {}", line, header);
        }
    }
}
