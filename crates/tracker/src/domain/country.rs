//! Countries by their two letters.

use std::{fmt, str::FromStr};

/// An ISO 3166 alpha-2 code, upper case. Whether the two letters are given to a country is not looked at: a set of
/// countries holds what an account manager chose, and nothing else is in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// Not two letters, or letters that say "not known".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an ISO 3166 alpha-2 code such as JP")]
pub struct NoCountry;

/// What proxies and files write for an address whose country they do not know.
const UNKNOWN: [[u8; 2]; 2] = [*b"XX", *b"ZZ"];

impl Country {
    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Two ASCII letters: always text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Country {
    type Err = NoCountry;

    fn from_str(text: &str) -> Result<Self, NoCountry> {
        let letters: [u8; 2] = text.trim().as_bytes().try_into().map_err(|_length| NoCountry)?;
        let letters = letters.map(|letter| letter.to_ascii_uppercase());
        if letters.iter().all(u8::is_ascii_uppercase) && !UNKNOWN.contains(&letters) {
            Ok(Self(letters))
        } else {
            Err(NoCountry)
        }
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A set of countries: most offers name a few, some all of a continent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Countries(Box<[Country]>);

impl Countries {
    /// Whether it names none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a country is in it.
    #[must_use]
    pub fn contains(&self, country: Country) -> bool {
        self.0.binary_search(&country).is_ok()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Country> {
        self.0.iter().copied()
    }
}

impl FromIterator<Country> for Countries {
    fn from_iter<I: IntoIterator<Item = Country>>(countries: I) -> Self {
        let mut countries: Vec<Country> = countries.into_iter().collect();
        countries.sort_unstable();
        countries.dedup();
        Self(countries.into_boxed_slice())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("jp", Some("JP"))]
    #[case(" DE ", Some("DE"))]
    #[case("", None)]
    #[case("DEU", None)]
    #[case("T1", None)]
    #[case("XX", None)]
    #[case("é", None)]
    fn two_letters_are_a_country(#[case] text: &str, #[case] expected: Option<&str>) {
        let country = text.parse::<Country>().ok();
        assert_eq!(country.as_ref().map(Country::as_str), expected);
    }
}
