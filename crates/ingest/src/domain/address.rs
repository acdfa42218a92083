//! Which tenant's domain a call names: by its host, `api.<domain>.<base>`, by the parameter `domain`, or by both; then they
//! must agree.

/// The installation's own domain, below which every tenant has its hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseDomain(String);

impl BaseDomain {
    /// Takes the base as configured, such as `getgokart.example`; case and outer dots do not matter.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().trim_matches('.').to_ascii_lowercase())
    }

    /// The tenant domain in a `Host` header, when the host is one of ours.
    fn tenant_of(&self, host: &str) -> Option<String> {
        let host = host
            .rsplit_once(':')
            .map_or(host, |(name, _port)| name)
            .trim_end_matches('.')
            .to_ascii_lowercase();
        let label = host.strip_suffix(&self.0)?.strip_suffix('.')?.strip_prefix("api.")?;
        (!label.is_empty() && !label.contains('.')).then(|| String::from(label))
    }
}

/// What a call says about its tenant.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// The `Host` header.
    pub host: Option<&'a str>,
    /// The `domain` parameter, decoded.
    pub parameter: Option<&'a str>,
}

impl Address<'_> {
    /// The tenant domain, or `None` when the call names none or two different ones. The caller goes on with an empty
    /// domain then, so that a wrong address costs the same work as a wrong signature.
    #[must_use]
    pub fn domain(&self, base: &BaseDomain) -> Option<String> {
        let by_host = self.host.and_then(|host| base.tenant_of(host));
        let by_parameter = self
            .parameter
            .map(|domain| domain.trim().to_ascii_lowercase())
            .filter(|domain| !domain.is_empty());
        match (by_host, by_parameter) {
            (Some(host), Some(parameter)) => (host == parameter).then_some(host),
            (host, parameter) => host.or(parameter),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::host(Some("api.brownboots.go.example"), None, Some("brownboots"))]
    #[case::host_case_port_and_dot(Some("API.BrownBoots.Go.Example.:8443"), None, Some("brownboots"))]
    #[case::parameter(Some("127.0.0.1:8080"), Some(" Brownboots "), Some("brownboots"))]
    #[case::both_agree(Some("api.brownboots.go.example"), Some("Brownboots"), Some("brownboots"))]
    #[case::both_differ(Some("api.brownboots.go.example"), Some("other"), None)]
    #[case::nothing(Some("localhost"), None, None)]
    #[case::two_labels(Some("api.a.b.go.example"), None, None)]
    #[case::suffix_trick(Some("api.brownboots.evilgo.example"), None, None)]
    fn a_call_names_its_tenant(
        #[case] host: Option<&str>,
        #[case] parameter: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        let domain = Address { host, parameter }.domain(&BaseDomain::new("go.example"));
        assert_eq!(domain.as_deref(), expected);
    }
}
