//! Which addresses may be called. Pure: a table of networks and two rules.
//!
//! IPv4: everything but the networks that IANA's special-purpose registry keeps from the public internet. IPv6: the
//! other way round, only `2000::/3` (the only part given out so far) and of that not what leads elsewhere. Addresses
//! that carry an IPv4 address in a way the system would follow (mapped, NAT64) are judged by that one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Deserialize;

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(first: u16, second: u16, third: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), prefix)
}

const REFUSED_V4: [Ipv4Net; 19] = [
    v4(0, 0, 0, 0, 8),        // "this network"; Linux connects 0.0.0.0 to itself
    v4(10, 0, 0, 0, 8),       // private
    v4(100, 64, 0, 0, 10),    // carrier-grade NAT; Alibaba's metadata service
    v4(127, 0, 0, 0, 8),      // loopback
    v4(168, 63, 129, 16, 32), // Azure's metadata service: looks public, is not
    v4(169, 254, 0, 0, 16),   // link-local; the metadata service of most clouds
    v4(172, 16, 0, 0, 12),    // private
    v4(192, 0, 0, 0, 24),     // protocol assignments; Oracle's metadata service
    v4(192, 0, 2, 0, 24),     // documentation
    v4(192, 31, 196, 0, 24),  // AS112 sinks
    v4(192, 52, 193, 0, 24),  // multicast tunnels
    v4(192, 88, 99, 0, 24),   // 6to4 relays
    v4(192, 168, 0, 0, 16),   // private
    v4(192, 175, 48, 0, 24),  // AS112 sinks
    v4(198, 18, 0, 0, 15),    // benchmarking
    v4(198, 51, 100, 0, 24),  // documentation
    v4(203, 0, 113, 0, 24),   // documentation
    v4(224, 0, 0, 0, 4),      // multicast
    v4(240, 0, 0, 0, 4),      // reserved ("class E"), with broadcast
];

/// What has been given out to the public internet.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

const REFUSED_V6: [Ipv6Net; 5] = [
    v6(0x2001, 0, 0, 23),           // protocol assignments, with Teredo and ORCHID
    v6(0x2001, 0x0db8, 0, 32),      // documentation
    v6(0x2002, 0, 0, 16),           // 6to4: leads to any IPv4 address
    v6(0x2620, 0x004f, 0x8000, 48), // AS112 sinks
    v6(0x3fff, 0, 0, 20),           // documentation
];

/// `64:ff9b::/96`: a gateway sends these on to the IPv4 address in the last four bytes.
const NAT64: Ipv6Net = v6(0x0064, 0xff9b, 0, 96);

/// Public addresses, and the private networks an operator named. A section of settings for a service that saves URLs and calls none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AddressPolicy {
    /// Empty in production, unless a publisher lives inside the operator's own network.
    allowed_networks: Vec<IpNet>,
}

impl AddressPolicy {
    /// Public addresses, and besides these networks.
    #[must_use]
    pub fn new(allowed_networks: Vec<IpNet>) -> Self {
        Self { allowed_networks }
    }

    /// Whether this address may be called.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = carried(address);
        is_public(address) || self.allowed_networks.iter().any(|network| network.contains(&address))
    }
}

/// The address a packet would really reach.
fn carried(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    if let Some(four) = six.to_ipv4_mapped() {
        return IpAddr::V4(four);
    }
    if NAT64.contains(&six) {
        let [.., a, b, c, d] = six.octets();
        return IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    }
    address
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => !REFUSED_V4.iter().any(|network| network.contains(&four)),
        IpAddr::V6(six) => {
            GLOBAL_V6.contains(&six) && !REFUSED_V6.iter().any(|network| network.contains(&six))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::zero("0.0.0.0")]
    #[case::this_network("0.1.2.3")]
    #[case::private_10("10.0.0.1")]
    #[case::private_10_end("10.255.255.255")]
    #[case::carrier_nat("100.64.0.1")]
    #[case::alibaba_metadata("100.100.100.200")]
    #[case::carrier_nat_end("100.127.255.255")]
    #[case::loopback("127.0.0.1")]
    #[case::loopback_end("127.255.255.254")]
    #[case::azure_metadata("168.63.129.16")]
    #[case::link_local("169.254.0.1")]
    #[case::metadata("169.254.169.254")]
    #[case::ecs_metadata("169.254.170.2")]
    #[case::private_172("172.16.0.1")]
    #[case::private_172_end("172.31.255.255")]
    #[case::oracle_metadata("192.0.0.192")]
    #[case::documentation_1("192.0.2.1")]
    #[case::six_to_four_relay("192.88.99.1")]
    #[case::private_192("192.168.1.1")]
    #[case::benchmark("198.18.0.1")]
    #[case::benchmark_end("198.19.255.255")]
    #[case::documentation_2("198.51.100.7")]
    #[case::documentation_3("203.0.113.7")]
    #[case::multicast("224.0.0.1")]
    #[case::multicast_end("239.255.255.255")]
    #[case::class_e("240.0.0.1")]
    #[case::broadcast("255.255.255.255")]
    #[case::unspecified_v6("::")]
    #[case::loopback_v6("::1")]
    #[case::compatible("::7f00:1")]
    #[case::mapped_loopback("::ffff:127.0.0.1")]
    #[case::mapped_metadata("::ffff:169.254.169.254")]
    #[case::mapped_private("::ffff:10.0.0.1")]
    #[case::translated("::ffff:0:127.0.0.1")]
    #[case::nat64_loopback("64:ff9b::7f00:1")]
    #[case::nat64_metadata("64:ff9b::a9fe:a9fe")]
    #[case::nat64_local("64:ff9b:1::a00:1")]
    #[case::discard("100::1")]
    #[case::teredo("2001::1")]
    #[case::benchmark_v6("2001:2::1")]
    #[case::orchid("2001:20::1")]
    #[case::documentation_v6("2001:db8::1")]
    #[case::six_to_four_loopback("2002:7f00:1::")]
    #[case::six_to_four_public("2002:808:808::1")]
    #[case::documentation_v6_new("3fff::1")]
    #[case::segment_routing("5f00::1")]
    #[case::unique_local("fc00::1")]
    #[case::aws_metadata_v6("fd00:ec2::254")]
    #[case::link_local_v6("fe80::1")]
    #[case::site_local("fec0::1")]
    #[case::multicast_v6("ff02::1")]
    fn is_refused(#[case] address: IpAddr) {
        assert!(!AddressPolicy::default().permits(address));
    }

    #[rstest]
    #[case("1.1.1.1")]
    #[case("8.8.8.8")]
    #[case("9.255.255.255")]
    #[case("11.0.0.0")]
    #[case("100.63.255.255")]
    #[case("100.128.0.0")]
    #[case("126.255.255.255")]
    #[case("128.0.0.1")]
    #[case("168.63.129.17")]
    #[case("172.15.255.255")]
    #[case("172.32.0.0")]
    #[case("192.167.255.255")]
    #[case("192.169.0.0")]
    #[case("198.17.255.255")]
    #[case("198.20.0.0")]
    #[case("223.255.255.255")]
    #[case::mapped_public("::ffff:8.8.8.8")]
    #[case::nat64_public("64:ff9b::808:808")]
    #[case("2001:4860:4860::8888")]
    #[case("2606:4700:4700::1111")]
    #[case("2a00:1450:4001::1")]
    fn is_public_and_permitted(#[case] address: IpAddr) {
        assert!(AddressPolicy::default().permits(address));
    }

    #[test]
    fn an_operator_can_allow_a_network_and_only_that() {
        let policy = AddressPolicy::new(vec!["10.1.0.0/16".parse().unwrap(), "fd00:1::/32".parse().unwrap()]);
        assert!(policy.permits("10.1.2.3".parse().unwrap()));
        assert!(policy.permits("::ffff:10.1.2.3".parse().unwrap()));
        assert!(policy.permits("fd00:1::5".parse().unwrap()));
        assert!(!policy.permits("10.2.0.1".parse().unwrap()));
        assert!(!policy.permits("127.0.0.1".parse().unwrap()));
    }
}
