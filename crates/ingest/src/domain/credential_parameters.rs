//! The two credential values that travel beside the path: `signature` and `domain`, in the query or in a form.

use percent_encoding::percent_decode;

/// What a call carries of them, decoded; the first non-empty one of each wins, the query before the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialParameters {
    /// `signature`, or empty.
    signature: String,
    /// `domain`, or empty.
    domain: String,
}

impl CredentialParameters {
    /// Reads the query, then the body when it is a form.
    #[must_use]
    pub fn read(query: &[u8], form: Option<&[u8]>) -> Self {
        let mut found = Self::default();
        for pairs in [Some(query), form].into_iter().flatten() {
            for pair in pairs.split(|byte| *byte == b'&') {
                found.take(pair);
            }
        }
        found
    }

    /// The signature as it was pasted, or empty.
    #[must_use]
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// The domain parameter, when there is one.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        (!self.domain.is_empty()).then_some(self.domain.as_str())
    }

    fn take(&mut self, pair: &[u8]) {
        // Most parameters are told apart by their first letter, and every call has dozens.
        if !matches!(pair.first(), Some(b's' | b'S' | b'd' | b'D')) {
            return;
        }
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let (Some(name), Some(value)) = (halves.next(), halves.next()) else { return };
        let place = if name.eq_ignore_ascii_case(b"signature") {
            &mut self.signature
        } else if name.eq_ignore_ascii_case(b"domain") {
            &mut self.domain
        } else {
            return;
        };
        if place.is_empty() {
            percent_decode(value).decode_utf8_lossy().trim().clone_into(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_comes_before_the_form_and_the_first_value_wins() {
        let found = CredentialParameters::read(
            b"a=1&Signature=&signature=%20abc%0A&signature=x",
            Some(b"signature=y&DOMAIN=Brownboots"),
        );
        assert_eq!(found.signature(), "abc");
        assert_eq!(found.domain(), Some("Brownboots"));
    }

    #[test]
    fn nothing_is_found_in_noise() {
        let found = CredentialParameters::read(b"&&=&signature&xdomain=1", None);
        assert_eq!(found, CredentialParameters::default());
        assert_eq!(found.domain(), None);
    }
}
