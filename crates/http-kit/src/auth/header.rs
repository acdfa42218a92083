//! The `Authorization` header: `ApiToken x` or `Bearer x`.

use actix_web::http::header::{self, HeaderMap};

use crate::problem::Problem;

/// Our tokens have 47 characters, an operator's may be longer; nothing longer than this is worth a hash.
const TOKEN_LIMIT_BYTES: usize = 256;

/// The token as sent. Borrowed, so that it lives no longer than its request.
pub(super) fn token(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut sent = headers.get_all(header::AUTHORIZATION);
    let value = sent.next().ok_or_else(|| {
        Problem::unauthorized(
            "send the header `Authorization: ApiToken <token>`; a tenant's owner makes tokens",
        )
    })?;
    if sent.next().is_some() {
        return Err(Problem::unauthorized("send the header Authorization once"));
    }
    value
        .to_str()
        .ok()
        .and_then(|text| text.trim().split_once(' '))
        .filter(|(scheme, _)| {
            scheme.eq_ignore_ascii_case("ApiToken") || scheme.eq_ignore_ascii_case("Bearer")
        })
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty() && token.len() <= TOKEN_LIMIT_BYTES)
        .ok_or_else(refused)
}

/// The one answer to a token that does not open the door, whatever the reason.
pub(crate) fn refused() -> Problem {
    Problem::unauthorized("the token is not valid: it is unknown, expired or revoked")
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use rstest::rstest;

    use super::*;

    fn read(value: &[u8]) -> Result<String, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        token(&headers).map(str::to_owned).map_err(|problem| problem.status().as_u16())
    }

    #[rstest]
    #[case(b"ApiToken gkt_a", "gkt_a")]
    #[case(b"Bearer gkt_a", "gkt_a")]
    #[case(b"bearer   gkt_a ", "gkt_a")]
    #[case(b"APITOKEN gkt_a", "gkt_a")]
    fn both_schemes_are_read(#[case] value: &[u8], #[case] expected: &str) {
        assert_eq!(read(value), Ok(expected.to_owned()));
    }

    #[rstest]
    #[case(b"")]
    #[case(b"gkt_a")]
    #[case(b"Basic Z2t0X2E=")]
    #[case(b"Bearer")]
    #[case(b"Bearer  ")]
    #[case(b"Bearer \xff\xfe")]
    #[case(&[b'B', b'e', b'a', b'r', b'e', b'r', b' '].iter().chain(&[b'x'; 300]).copied().collect::<Vec<_>>())]
    fn anything_else_is_401_and_never_500(#[case] value: &[u8]) {
        assert_eq!(read(value), Err(401));
    }

    #[test]
    fn two_headers_are_refused() {
        let mut headers = HeaderMap::new();
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer b"));
        assert!(token(&headers).is_err());
    }
}
