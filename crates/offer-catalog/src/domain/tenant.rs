//! A tenant and its domain: the name under which it is reached, and a part of every credential.

use std::fmt;

use kernel::Currency;
use serde::{Deserialize, Serialize};

/// Host names that belong to GoKart itself or that a browser or mail server treats as special.
const RESERVED: [&str; 22] = [
    "api",
    "app",
    "www",
    "admin",
    "assets",
    "auth",
    "cdn",
    "console",
    "dev",
    "docs",
    "example",
    "ftp",
    "gokart",
    "localhost",
    "mail",
    "ns1",
    "ns2",
    "smtp",
    "static",
    "status",
    "support",
    "test",
];
/// The longest DNS label.
const LABEL_BYTES_MAX: usize = 63;
/// The most media sources a tenant may list: AppsFlyer knows one or two names for a partner.
pub const MEDIA_SOURCES_MAX: usize = 50;

/// A tenant's name in host names: a DNS label. Written as its owner likes it, compared without case, never changed.
#[derive(Debug, Clone)]
pub struct TenantDomain(String);

impl TenantDomain {
    /// Reads a domain that a person asks for.
    ///
    /// # Errors
    /// A sentence that says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if text.is_empty() || text.len() > LABEL_BYTES_MAX || !letters {
            return Err(String::from(
                "must be a DNS label: 1 to 63 letters, digits or hyphens, such as Brownboots",
            ));
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err(String::from("must not begin or end with a hyphen"));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(String::from("must hold at least one letter"));
        }
        if RESERVED.contains(&text.to_ascii_lowercase().as_str()) {
            return Err(format!("`{text}` is reserved, please choose another name"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Wraps a domain that was accepted before, even if it has become reserved since.
    #[must_use]
    pub const fn accepted(text: String) -> Self {
        Self(text)
    }

    /// As its owner writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is compared, signed and put into host names.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl PartialEq for TenantDomain {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl fmt::Display for TenantDomain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What the operator states about a new tenant, and its owners change later. `Serialize` is for the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantProfile {
    /// Shown to people.
    pub display_name: String,
    /// IANA name; statements are cut by it.
    pub time_zone: String,
    /// Used when an offer or a postback names none.
    pub default_currency: Currency,
    /// The names under which AppsFlyer reports this tenant's traffic (`media_source`); a postback that names another
    /// one is organic to us.
    pub media_sources: Vec<String>,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Brownboots", Ok("brownboots"))]
    #[case(" a-1 ", Ok("a-1"))]
    #[case("", Err("DNS label"))]
    #[case("two words", Err("DNS label"))]
    #[case("dotted.name", Err("DNS label"))]
    #[case("größe", Err("DNS label"))]
    #[case("-x", Err("hyphen"))]
    #[case("x-", Err("hyphen"))]
    #[case("12345", Err("letter"))]
    #[case("API", Err("reserved"))]
    fn a_domain_is_a_free_dns_label(#[case] text: &str, #[case] expected: Result<&str, &str>) {
        match (TenantDomain::parse(text), expected) {
            (Ok(domain), Ok(key)) => assert_eq!(domain.key(), key),
            (Err(sentence), Err(part)) => assert!(sentence.contains(part), "{sentence}"),
            (got, wanted) => panic!("{text}: {got:?}, expected {wanted:?}"),
        }
    }

    #[test]
    fn the_longest_label_is_63_bytes() {
        assert!(TenantDomain::parse(&"a".repeat(63)).is_ok());
        assert!(TenantDomain::parse(&"a".repeat(64)).is_err());
    }

    #[test]
    fn domains_compare_without_case_and_keep_their_spelling() {
        let domain = TenantDomain::parse("Brownboots").unwrap();
        assert_eq!(domain, TenantDomain::parse("BROWNBOOTS").unwrap());
        assert_eq!(domain.to_string(), "Brownboots");
    }
}
