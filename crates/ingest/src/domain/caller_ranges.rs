//! Whether a caller stands in AppsFlyer's published address ranges. A note for people, never a refusal: the ranges are
//! "subject to change", and the credential is what counts.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// Where a caller stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Inside of the ranges.
    Inside,
    /// A public address outside of them.
    Outside,
    /// Nobody knows: no address, or one of a private network. AppsFlyer has none there, so that is a proxy of ours.
    Unknown,
}

/// The ranges. None: nothing is outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerRanges(Vec<IpNet>);

impl CallerRanges {
    /// These networks.
    #[must_use]
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Where the caller of this address stands.
    #[must_use]
    pub fn origin(&self, caller: Option<IpAddr>) -> Origin {
        if self.0.is_empty() {
            return Origin::Unknown;
        }
        let Some(address) = caller else { return Origin::Unknown };
        // A socket for both families shows IPv4 callers as ::ffff:a.b.c.d.
        let address = address.to_canonical();
        if self.0.iter().any(|network| network.contains(&address)) {
            Origin::Inside
        } else if is_public(address) {
            Origin::Outside
        } else {
            Origin::Unknown
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            // 100.64.0.0/10 is shared by a provider's own machines, a cloud's load balancers among them.
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && second & 0b1100_0000 == 64;
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || is_shared)
        }
        IpAddr::V6(address) => {
            !(address.is_loopback()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address == Ipv6Addr::UNSPECIFIED)
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn published() -> CallerRanges {
        CallerRanges::new(["45.92.116.0/22", "194.28.46.0/23"].map(|range| range.parse().unwrap()).to_vec())
    }

    #[rstest]
    #[case::first("45.92.116.0", Origin::Inside)]
    #[case::last("45.92.119.255", Origin::Inside)]
    #[case::second_range("194.28.47.9", Origin::Inside)]
    #[case::mapped("::ffff:45.92.117.1", Origin::Inside)]
    #[case::before("45.92.115.255", Origin::Outside)]
    #[case::after("45.92.120.0", Origin::Outside)]
    #[case::mapped_outside("::ffff:203.0.113.9", Origin::Outside)]
    #[case::another_family("2001:db8::1", Origin::Outside)]
    #[case::a_proxy("10.1.2.3", Origin::Unknown)]
    #[case::a_providers_balancer("100.100.0.1", Origin::Unknown)]
    #[case::mapped_proxy("::ffff:192.168.0.1", Origin::Unknown)]
    #[case::this_machine("::1", Origin::Unknown)]
    #[case::a_private_network("fd00::1", Origin::Unknown)]
    #[case::no_address("", Origin::Unknown)]
    fn a_caller_stands_inside_outside_or_nobody_knows(#[case] caller: &str, #[case] expected: Origin) {
        assert_eq!(published().origin(caller.parse().ok()), expected);
    }

    #[test]
    fn without_ranges_nobody_is_outside() {
        assert_eq!(CallerRanges::new(Vec::new()).origin("203.0.113.9".parse().ok()), Origin::Unknown);
    }

    #[test]
    fn a_private_range_can_be_named() {
        let ranges = CallerRanges::new(vec!["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(ranges.origin("10.1.2.3".parse().ok()), Origin::Inside);
    }
}
