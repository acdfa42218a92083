//! Who called, as far as the network tells.

use std::net::IpAddr;

use actix_web::HttpRequest;

/// The caller's address. `trusted_header` names the header in which our own proxy writes it; its last hop counts, because
/// what stands before it is the caller's word. Empty, absent or unreadable: the peer itself.
#[must_use]
pub fn caller_ip(request: &HttpRequest, trusted_header: &str) -> String {
    let by_proxy = (!trusted_header.is_empty())
        .then(|| request.headers().get_all(trusted_header).last())
        .flatten()
        .and_then(|value| value.to_str().ok())
        .and_then(|hops| hops.rsplit(',').next())
        .and_then(|hop| hop.trim().parse::<IpAddr>().ok());
    let address = by_proxy.or_else(|| request.peer_addr().map(|peer| peer.ip()));
    address.map(|address| address.to_string()).unwrap_or_default()
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
