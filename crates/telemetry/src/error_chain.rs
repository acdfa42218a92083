//! Errors as one line: what failed, and why, and why that.

use std::{error::Error, fmt::Write};

/// The whole chain of causes, `a: b: c`. Our errors never repeat their source, so each cause appears once.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        // Writing to a String can not fail.
        write!(text, ": {inner}").unwrap_or_default();
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_chain_is_read_from_the_outside_in() {
        assert_eq!(chain(&Outer(std::io::Error::other("inner"))), "outer: inner");
    }
}
