//! What a URL must be before it is even tried, and when it is saved.
//!
//! The URL standard's parser has already turned `2130706433`, `0x7f.1` and `127.1` into addresses when this looks at
//! them. Names are judged when they are resolved: [`super::resolver`].

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

/// Reads a URL and checks everything about it that needs no name look-up. For forms and for settings.
///
/// # Errors
/// [`TargetError`] says what would be right.
pub fn check_target(text: &str, policy: &AddressPolicy) -> Result<Url, TargetError> {
    let url = Url::parse(text).map_err(|_reason| TargetError::NotAUrl)?;
    check(&url, policy)?;
    Ok(url)
}

/// As [`check_target`], for a URL that has been read. Done again before every call: the policy may have changed.
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
    #[case::judged_when_resolved("http://localhost/")]
    fn is_accepted(#[case] url: &str) {
        assert!(check_target(url, &AddressPolicy::default()).is_ok());
    }

    #[test]
    fn the_reason_never_repeats_the_url() {
        let reason = check_target("https://user:canary@example.com/canary", &AddressPolicy::default());
        assert!(!reason.unwrap_err().to_string().contains("canary"));
    }
}
