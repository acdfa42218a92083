//! A header of a publisher's own on the postbacks it gets, with a value that only it and we know, such as an API key.

use std::{fmt, str::FromStr};

use contracts::headers::is_reserved;
use secrecy::{ExposeSecret as _, SecretString};

/// The longest name: the longest that is in use anywhere is far shorter.
pub const NAME_BYTES_MAX: usize = 64;
/// The longest value: a signed token (JWT) of a few claims, and far below the 8 KiB that servers take of all headers.
pub const VALUE_BYTES_MAX: usize = 2_048;

/// A header's name (RFC 9110, 5.1). Two that differ only in case are the same.
#[derive(Debug, Clone)]
pub struct HeaderName(String);

/// Why a text is no name of a custom header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderNameError {
    /// Too long, or with letters that no header has.
    #[error("must be 1 to {NAME_BYTES_MAX} letters, digits or any of !#$%&'*+-.^_`|~, such as X-Api-Key")]
    Form,
    /// Somebody else's.
    #[error("{0} is written by us or by the connection itself: choose another name, such as X-Api-Key")]
    Reserved(String),
}

impl HeaderName {
    /// As it was entered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Of a table, where it was checked on its way in.
    #[must_use]
    pub const fn stored(name: String) -> Self {
        Self(name)
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for HeaderName {}

impl fmt::Display for HeaderName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for HeaderName {
    type Err = HeaderNameError;

    fn from_str(text: &str) -> Result<Self, HeaderNameError> {
        let name = text.trim();
        let is_of_a_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(is_of_a_token) {
            return Err(HeaderNameError::Form);
        }
        if is_reserved(name) {
            return Err(HeaderNameError::Reserved(name.to_owned()));
        }
        Ok(Self(name.to_owned()))
    }
}

/// A header's value, before it is sealed.
#[derive(Debug, Clone)]
pub struct HeaderValue(SecretString);

/// Not a value of a header. Says nothing of what was entered: it may be somebody's secret with a slip of the pen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {VALUE_BYTES_MAX} printable ASCII characters; white space only between them")]
pub struct HeaderValueError;

impl HeaderValue {
    /// For sealing.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl FromStr for HeaderValue {
    type Err = HeaderValueError;

    fn from_str(text: &str) -> Result<Self, HeaderValueError> {
        let value = text.trim();
        let is_printable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if (1..=VALUE_BYTES_MAX).contains(&value.len()) && value.bytes().all(is_printable) {
            Ok(Self(value.into()))
        } else {
            Err(HeaderValueError)
        }
    }
}

/// A custom header as a person enters it.
#[derive(Debug, Clone)]
pub struct EnteredHeader {
    /// Its name.
    pub name: HeaderName,
    /// `None`: the value that is kept under this name.
    pub value: Option<HeaderValue>,
}

/// A custom header as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomHeader {
    /// Its name.
    pub name: HeaderName,
    /// Its value, sealed.
    pub sealed_value: Vec<u8>,
}

impl CustomHeader {
    /// A few letters that are others whenever a value was entered, and tell nothing of it: the last of the seal's tag.
    #[must_use]
    pub fn mark(&self) -> String {
        let tail = self.sealed_value.last_chunk::<4>();
        tail.map(|tail| format!("{:08x}", u32::from_be_bytes(*tail))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("X-Api-Key", Ok("X-Api-Key"))]
    #[case(" Authorization ", Ok("Authorization"))]
    #[case("", Err(HeaderNameError::Form))]
    #[case("X Api Key", Err(HeaderNameError::Form))]
    #[case("X-Api-Key:", Err(HeaderNameError::Form))]
    #[case("X-Ä", Err(HeaderNameError::Form))]
    #[case("X\r\nY", Err(HeaderNameError::Form))]
    #[case("Host", Err(HeaderNameError::Reserved("Host".to_owned())))]
    #[case("Content-Length", Err(HeaderNameError::Reserved("Content-Length".to_owned())))]
    #[case("Gokart-Test", Err(HeaderNameError::Reserved("Gokart-Test".to_owned())))]
    #[case("Webhook-Anything", Err(HeaderNameError::Reserved("Webhook-Anything".to_owned())))]
    fn a_name_is_a_token_of_nobody_elses(
        #[case] text: &str,
        #[case] expected: Result<&str, HeaderNameError>,
    ) {
        let name = text.parse::<HeaderName>();
        assert_eq!(name.as_ref().map(HeaderName::as_str), expected.as_ref().copied());
    }

    #[test]
    fn names_and_values_end_at_their_limits() {
        assert!("a".repeat(NAME_BYTES_MAX).parse::<HeaderName>().is_ok());
        assert!("a".repeat(NAME_BYTES_MAX + 1).parse::<HeaderName>().is_err());
        assert!("a".repeat(VALUE_BYTES_MAX).parse::<HeaderValue>().is_ok());
        assert!("a".repeat(VALUE_BYTES_MAX + 1).parse::<HeaderValue>().is_err());
    }

    #[test]
    fn names_compare_without_case() {
        let name = |text: &str| text.parse::<HeaderName>().unwrap();
        assert_eq!(name("X-Api-Key"), name("x-api-key"));
    }

    #[rstest]
    #[case("Bearer abc~!", Some("Bearer abc~!"))]
    #[case(" k ", Some("k"))]
    #[case(" ", None)]
    #[case("a\tb", None)]
    #[case("a\r\nX-Other: b", None)]
    #[case("schlüssel", None)]
    fn a_value_stays_within_its_line(#[case] text: &str, #[case] expected: Option<&str>) {
        let value = text.parse::<HeaderValue>().ok();
        assert_eq!(value.as_ref().map(HeaderValue::expose_bytes), expected.map(str::as_bytes));
    }

    #[test]
    fn a_value_is_not_printed() {
        let value = "open sesame".parse::<HeaderValue>().unwrap();
        let entered = EnteredHeader { name: "X-Key".parse().unwrap(), value: Some(value) };
        assert!(!format!("{entered:?}").contains("sesame"));
    }
}
