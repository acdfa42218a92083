//! What a URL must be before it is even tried, and when it is saved.
//!
//! The URL standard's parser has already turned `2130706433`, `0x7f.1` and `127.1` into addresses when this looks at
//! them. Names are judged when they are resolved: [`super::resolver`]. Of a URL that is saved those few are judged at once which lead
//! inside wherever they are resolved: whoever enters one hears of it then, and not from a delivery that fails.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::address::AddressPolicy;

/// A URL that cannot be called. The text says what would be right and never repeats the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL at all.
    #[error("must be an absolute URL such as https://example.com/postback")]
    NotAUrl,
    /// Neither http nor https.
    #[error("must begin with https:// or http://")]
    Scheme,
    /// `user:password@`.
    #[error("must not hold a user name or password")]
    Credentials,
    /// No host to call.
    #[error("must name a host")]
    NoHost,
    /// An address, written literally, that is not on the public internet.
    #[error("must lead to a public address")]
    Address,
}

/// Where `localhost` and every name below it leads (RFC 6761).
const OF_LOCALHOST: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// Where a cloud's machines find its metadata service by name.
const METADATA_NAME: &str = "metadata.google.internal";
const OF_METADATA: [IpAddr; 1] = [IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254))];

/// Reads a URL that is to be saved and checks everything about it that needs no name look-up. For forms and for settings.
///
/// # Errors
/// [`TargetError`] says what would be right.
pub fn check_target(text: &str, policy: &AddressPolicy) -> Result<Url, TargetError> {
    let url = Url::parse(text).map_err(|_reason| TargetError::NotAUrl)?;
    check(&url, policy)?;
    let known = url.domain().map_or(&[][..], known_to_lead_to);
    if !known.is_empty() && !known.iter().any(|address| policy.permits(*address)) {
        return Err(TargetError::Address);
    }
    Ok(url)
}

/// The addresses of a name that has the same ones everywhere; none of any other.
fn known_to_lead_to(name: &str) -> &'static [IpAddr] {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name == "localhost" || name.ends_with(".localhost") {
        &OF_LOCALHOST
    } else if name == METADATA_NAME {
        &OF_METADATA
    } else {
        &[]
    }
}

/// What has to be true of a URL before every call: the policy may have changed since it was saved. Names are judged when they are
/// resolved.
pub(super) fn check(url: &Url, policy: &AddressPolicy) -> Result<(), TargetError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(TargetError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(TargetError::Credentials);
    }
    let address = match url.host() {
        None | Some(Host::Domain("")) => return Err(TargetError::NoHost),
        Some(Host::Domain(_)) => return Ok(()),
        Some(Host::Ipv4(four)) => four.into(),
        Some(Host::Ipv6(six)) => six.into(),
    };
    if policy.permits(address) { Ok(()) } else { Err(TargetError::Address) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://127.0.0.1/", TargetError::Address)]
    #[case("http://127.0.0.1:5672/", TargetError::Address)]
    #[case("http://2130706433/", TargetError::Address)]
    #[case("http://0x7f.1/", TargetError::Address)]
    #[case("http://0177.0.0.1/", TargetError::Address)]
    #[case("http://127.1/", TargetError::Address)]
    #[case("http://127。0。0。1/", TargetError::Address)]
    #[case("http://①②⑦.0.0.1/", TargetError::Address)]
    #[case("http://%31%32%37.0.0.1/", TargetError::Address)]
    #[case("http://[::1]/", TargetError::Address)]
    #[case("http://[::ffff:169.254.169.254]/", TargetError::Address)]
    #[case("http://[::ffff:a9fe:a9fe]/", TargetError::Address)]
    #[case("http://[64:ff9b::7f00:1]/", TargetError::Address)]
    #[case("http://[fe80::1%25eth0]/", TargetError::NotAUrl)]
    #[case("http://169.254.169.254/latest/meta-data", TargetError::Address)]
    #[case("http://good.example@127.0.0.1/", TargetError::Credentials)]
    #[case("https://user:secret@example.com/", TargetError::Credentials)]
    #[case("http://localhost/", TargetError::Address)]
    #[case("http://LOCALHOST.:8080/", TargetError::Address)]
    #[case("http://ＬＯＣＡＬＨＯＳＴ/", TargetError::Address)]
    #[case("http://rewards.localhost/", TargetError::Address)]
    #[case("http://metadata.google.internal/computeMetadata/v1/", TargetError::Address)]
    #[case("file:///etc/passwd", TargetError::Scheme)]
    #[case("gopher://example.com/", TargetError::Scheme)]
    #[case("ftp://example.com/", TargetError::Scheme)]
    #[case("javascript:alert(1)", TargetError::Scheme)]
    #[case("/relative", TargetError::NotAUrl)]
    #[case("", TargetError::NotAUrl)]
    #[case("http://", TargetError::NotAUrl)]
    #[case("http://256.256.256.256/", TargetError::NotAUrl)]
    fn is_refused(#[case] url: &str, #[case] reason: TargetError) {
        assert_eq!(check_target(url, &AddressPolicy::default()).unwrap_err(), reason);
    }

    #[rstest]
    #[case("https://example.com/postback?id={id}")]
    #[case("http://example.com:8080/")]
    #[case("https://8.8.8.8/")]
    #[case("https://[2606:4700:4700::1111]/")]
    #[case("https://bücher.example/")]
    #[case("https://localhost.example/")]
    #[case("https://notlocalhost/")]
    #[case::judged_when_resolved("http://printer.local/")]
    fn is_accepted(#[case] url: &str) {
        assert!(check_target(url, &AddressPolicy::default()).is_ok());
    }

    #[rstest]
    #[case("127.0.0.0/8")]
    #[case("::1/128")]
    fn a_name_of_this_machine_goes_where_the_operator_allows_it(#[case] network: &str) {
        let policy = AddressPolicy::new(vec![network.parse().unwrap()]);
        assert!(check_target("http://localhost:9000/pb", &policy).is_ok());
        assert_eq!(
            check_target("http://metadata.google.internal/", &policy).unwrap_err(),
            TargetError::Address
        );
    }

    #[test]
    fn the_reason_never_repeats_the_url() {
        let reason = check_target("https://user:canary@example.com/canary", &AddressPolicy::default());
        assert!(!reason.unwrap_err().to_string().contains("canary"));
    }
}
