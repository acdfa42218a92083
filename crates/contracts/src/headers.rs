//! Names that a publisher's own header can not have ([`PostbackEndpoint::custom_header_name`]): one list for who takes the name and
//! for who sends the header.
//!
//! [`PostbackEndpoint::custom_header_name`]: crate::catalog::PostbackEndpoint::custom_header_name

/// Headers that say how a request is to be read or passed on (RFC 9110, 7.6.1 and 8; RFC 9112), and those of the trace (W3C Trace
/// Context). In lower case.
const RESERVED: [&str; 16] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Standard Webhooks' and GoKart's own.
const RESERVED_PREFIXES: [&str; 2] = ["webhook-", "gokart-"];

/// Whether a header is written by us or by the connection itself, in whatever case its name is.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    RESERVED.contains(&name.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_and_the_connection_write_is_nobody_elses() {
        for name in [
            "Host",
            "content-length",
            "Content-Type",
            "TE",
            "Expect",
            "TraceParent",
            "Webhook-Id",
            "gokart-test",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["X-Api-Key", "Authorization", "Cookie", "x-webhook-id", "gokart", ""] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn the_list_is_in_lower_case_and_in_order() {
        assert!(RESERVED.is_sorted());
        assert!(RESERVED.iter().chain(&RESERVED_PREFIXES).all(|name| *name == name.to_ascii_lowercase()));
    }
}
