//! Who called, as far as the network tells.

use std::net::{IpAddr, SocketAddr};

use actix_web::{HttpRequest, http::header::HeaderMap};

/// The caller's address. `trusted_header` names the header in which our own proxy writes it; its last hop counts, because
/// what stands before it is the caller's word. Empty, absent or unreadable: the peer itself.
#[must_use]
pub fn caller_ip(request: &HttpRequest, trusted_header: &str) -> String {
    caller_address(request, trusted_header).map(|address| address.to_string()).unwrap_or_default()
}

/// The same, not as text.
#[must_use]
pub fn caller_address(request: &HttpRequest, trusted_header: &str) -> Option<IpAddr> {
    address_of(request.headers(), request.peer_addr(), trusted_header)
}

/// The same from a request's parts, as an address.
pub(crate) fn address_of(
    headers: &HeaderMap,
    peer: Option<SocketAddr>,
    trusted_header: &str,
) -> Option<IpAddr> {
    let by_proxy = (!trusted_header.is_empty())
        .then(|| headers.get_all(trusted_header).last())
        .flatten()
        .and_then(|value| value.to_str().ok())
        .and_then(|hops| hops.rsplit(',').next())
        .and_then(|hop| hop.trim().parse::<IpAddr>().ok());
    by_proxy.or_else(|| peer.map(|peer| peer.ip()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_the_last_hop_of_the_trusted_header_counts() {
        let request = TestRequest::default()
            .peer_addr("10.0.0.1:5000".parse().unwrap())
            .insert_header(("x-forwarded-for", "1.2.3.4, 203.0.113.9"))
            .to_http_request();
        assert_eq!(caller_ip(&request, "x-forwarded-for"), "203.0.113.9");
        assert_eq!(caller_ip(&request, ""), "10.0.0.1");
        assert_eq!(caller_ip(&request, "x-real-ip"), "10.0.0.1");
    }

    #[test]
    fn a_header_that_is_no_address_is_ignored() {
        let request = TestRequest::default()
            .peer_addr("[::1]:5000".parse().unwrap())
            .insert_header(("x-forwarded-for", "unknown"))
            .to_http_request();
        assert_eq!(caller_ip(&request, "x-forwarded-for"), "::1");
    }
}
