//! What ingest hands over: the parts of a request that can carry parameters.

/// How much of a query or a body is read. Ingest allows 32 KiB and 64 KiB; this bound is for everybody else.
pub const MAX_INPUT_BYTES: usize = 256 * 1024;
/// How many parameters are read.
pub const MAX_PARAMETERS: usize = 16_384;

/// A request as it came, undecoded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// The query, with or without its `?`.
    pub query: &'a [u8],
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A `GET` with a query.
    #[must_use]
    pub const fn get(query: &'a [u8]) -> Self {
        Self { query, content_type: None, body: &[] }
    }
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyKind {
    Empty,
    Form,
    Json,
    Unknown,
}

/// Looks at the body first and at its label second: senders mislabel JSON as form and the other way round.
pub(crate) fn body_kind(content_type: Option<&str>, body: &[u8]) -> BodyKind {
    let body = trimmed(body);
    let Some(first) = body.first() else { return BodyKind::Empty };
    let label = |word: &str| content_type.is_some_and(|label| contains_ignoring_case(label, word));
    if starts_like_json(body) || matches!(first, b'{' | b'[') && label("json") {
        BodyKind::Json
    } else if *first == b'<'
        || *first == b'"' && label("json")
        || label("multipart/")
        || !body.contains(&b'=')
    {
        BodyKind::Unknown
    } else {
        BodyKind::Form
    }
}

/// The body without outer white space and byte order mark, in whatever order they stand.
pub(crate) fn trimmed(mut body: &[u8]) -> &[u8] {
    loop {
        body = body.trim_ascii();
        match body.strip_prefix(b"\xEF\xBB\xBF") {
            Some(rest) => body = rest,
            None => return body,
        }
    }
}

/// An object, or a list of anything but words. `{clickid}=…` and `[a]=…` are forms.
fn starts_like_json(body: &[u8]) -> bool {
    match body.split_first() {
        Some((b'{', rest)) => matches!(rest.trim_ascii_start().first(), Some(b'"' | b'}')),
        Some((b'[', rest)) => {
            matches!(rest.trim_ascii_start().first(), Some(b'{' | b'[' | b']' | b'"' | b'-' | b'0'..=b'9'))
        }
        Some(_) | None => false,
    }
}

fn contains_ignoring_case(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";
    const JSON: &str = "application/JSON;charset=utf-8";

    #[rstest]
    #[case(None, " \u{FEFF} ", BodyKind::Empty)]
    #[case(Some(FORM), "a=1", BodyKind::Form)]
    #[case(Some(FORM), "{\"a\":\"=\"}", BodyKind::Json)]
    #[case(Some(FORM), "{clickid}=1", BodyKind::Form)]
    #[case(Some(FORM), "[a]=1", BodyKind::Form)]
    #[case(Some(FORM), "alone", BodyKind::Unknown)]
    #[case(Some(JSON), "a=1", BodyKind::Form)]
    #[case(Some(JSON), "{a:'='}", BodyKind::Json)]
    #[case(Some(JSON), "\"a=1\"", BodyKind::Unknown)]
    #[case(None, " \u{FEFF}\n{ \"a\":1}", BodyKind::Json)]
    #[case(None, "{}", BodyKind::Json)]
    #[case(None, "[1]", BodyKind::Json)]
    #[case(Some("text/plain"), "a=1", BodyKind::Form)]
    #[case(Some("text/xml"), "<a b=\"1\"/>", BodyKind::Unknown)]
    #[case(Some("Multipart/form-data; boundary=x"), "--x\r\nname=\"a\"", BodyKind::Unknown)]
    fn kinds(#[case] label: Option<&str>, #[case] body: &str, #[case] kind: BodyKind) {
        assert_eq!(body_kind(label, body.as_bytes()), kind);
    }
}
