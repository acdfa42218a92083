//! The addresses that go out into the world: the postback URL, pasted into AppsFlyer, and the tracking link, given to a
//! publisher.
//!
//! In production both live on `api.<domain>.<base>`. Where there is no wildcard DNS the base names no domain, and the
//! domain travels as the parameter `domain=` instead.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::{creative::FileName, tenant::TenantDomain};

/// Where the tenant's domain goes in a base URL.
pub const DOMAIN_PLACE: &str = "{domain}";
/// What RFC 3986 never needs encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A base URL of a setting, with or without a place for the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicBase(String);

impl PublicBase {
    /// Reads a base URL such as `https://api.{domain}.getgokart.ai` or `http://127.0.0.1:8081`.
    ///
    /// # Errors
    /// A sentence that says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_end_matches('/');
        let wrong = || {
            format!(
                "must be an http or https URL without a query, such as https://api.{DOMAIN_PLACE}.example.com"
            )
        };
        let url = Url::parse(&text.replace(DOMAIN_PLACE, "domain")).map_err(|_not_a_url| wrong())?;
        let plain = url.query().is_none()
            && url.fragment().is_none()
            && !text.replace(DOMAIN_PLACE, "").contains('{');
        if matches!(url.scheme(), "http" | "https") && plain {
            Ok(Self(text.to_owned()))
        } else {
            Err(wrong())
        }
    }

    /// Reads a base URL that is the same for all tenants, such as `https://creatives.example.com`.
    ///
    /// # Errors
    /// A sentence that says what would be right.
    pub fn parse_for_all(text: &str) -> Result<Self, String> {
        if text.contains(DOMAIN_PLACE) {
            return Err(format!("must not hold {DOMAIN_PLACE}: it is the same for all tenants"));
        }
        Self::parse(text).map_err(|_names_the_domain| {
            String::from(
                "must be an http or https URL without a query, such as https://creatives.example.com",
            )
        })
    }

    /// The base for a tenant, and the parameter that has to name the domain when the base does not.
    fn of(&self, domain: &TenantDomain) -> (String, Option<String>) {
        if self.0.contains(DOMAIN_PLACE) {
            (self.0.replace(DOMAIN_PLACE, &domain.key()), None)
        } else {
            (self.0.clone(), Some(format!("domain={}", encode(domain.as_str()))))
        }
    }
}

/// The postback URL of a credential. The two macros are AppsFlyer's to fill in through GoKart's partner template.
#[must_use]
pub fn postback(base: &PublicBase, domain: &TenantDomain, segment: &str, signature: &str) -> String {
    let (base, parameter) = base.of(domain);
    let domain = parameter.map_or_else(String::new, |parameter| format!("{parameter}&"));
    format!(
        "{base}/api/v1/{segment}?{domain}signature={}&gk_click_id={{gk_click_id}}&cnv_event_id={{cnv_event_id}}",
        encode(signature)
    )
}

/// The tracking link of a shared offer. The publisher replaces the two macros with its own ids.
#[must_use]
pub fn tracking(base: &PublicBase, domain: &TenantDomain, link: kernel::LinkId) -> String {
    let (base, parameter) = base.of(domain);
    let domain = parameter.map_or_else(String::new, |parameter| format!("{parameter}&"));
    format!(
        "{base}/api/v1/offer-link/redirect/{link}?{domain}pub_click_id={{pub_click_id}}&pub_member_id={{pub_member_id}}"
    )
}

/// Where everybody sees a file of a creative. The name alone finds it, so a cache in front needs to know nothing.
#[must_use]
pub fn creative(base: &PublicBase, file: FileName) -> String {
    format!("{}/api/v1/creatives/files/{file}", base.0)
}

fn encode(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    const SEGMENT: &str = "ZM-A9KxR5TQ2/Zu4Wn-8PmFJ7BqC6tHDrN0V/L5EoG2SxM9pTQaU3W/";

    fn brownboots() -> TenantDomain {
        TenantDomain::parse("Brownboots").unwrap()
    }

    #[test]
    fn with_wildcard_dns_the_host_names_the_tenant() {
        let base = PublicBase::parse("https://api.{domain}.getgokart.ai/").unwrap();
        assert_eq!(
            postback(&base, &brownboots(), SEGMENT, "s-_1"),
            "https://api.brownboots.getgokart.ai/api/v1/ZM-A9KxR5TQ2/Zu4Wn-8PmFJ7BqC6tHDrN0V/L5EoG2SxM9pTQaU3W/\
             ?signature=s-_1&gk_click_id={gk_click_id}&cnv_event_id={cnv_event_id}"
        );
    }

    #[test]
    fn without_it_a_parameter_does() {
        let base = PublicBase::parse("http://127.0.0.1:8081").unwrap();
        let link = kernel::LinkId::from_uuid(Uuid::from_u128(1));
        assert_eq!(
            tracking(&base, &brownboots(), link),
            "http://127.0.0.1:8081/api/v1/offer-link/redirect/00000000-0000-0000-0000-000000000001\
             ?domain=Brownboots&pub_click_id={pub_click_id}&pub_member_id={pub_member_id}"
        );
    }

    #[test]
    fn creatives_have_one_base_for_all() {
        let base = PublicBase::parse_for_all("https://creatives.example.com/").unwrap();
        let file = format!("{}.png", "0a".repeat(32));
        assert_eq!(
            creative(&base, file.parse().unwrap()),
            format!("https://creatives.example.com/api/v1/creatives/files/{file}")
        );
        for wrong in ["https://api.{domain}.example.com", "creatives.example.com", "https://x?y=1"] {
            assert!(PublicBase::parse_for_all(wrong).is_err());
        }
    }

    #[rstest]
    fn other_bases_are_refused(
        #[values(
            "",
            "api.example.com",
            "ftp://x",
            "https://x?y=1",
            "https://api.{tenant}.x",
            "https://x/#a"
        )]
        text: &str,
    ) {
        assert!(PublicBase::parse(text).is_err());
    }
}
