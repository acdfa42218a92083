//! What ingest hands over: the parts of a request that can carry parameters.

/// How much of a query or a body is read. Ingest allows 32 KiB and 64 KiB; this bound is for everybody else.
pub const MAX_INPUT_BYTES: usize = 256 * 1024;
/// How many parameters are read.
pub const MAX_PARAMETERS: usize = 16_384;

/// A request as it came, undecoded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// The query, without `?`.
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
    let body = body.trim_ascii();
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let label = content_type.unwrap_or_default().to_ascii_lowercase();
    match body.first() {
        None => BodyKind::Empty,
        Some(b'{' | b'[') => BodyKind::Json,
        Some(_) if label.contains("json") && !body.contains(&b'=') => BodyKind::Unknown,
        Some(_) if body.contains(&b'=') => BodyKind::Form,
        Some(_) => BodyKind::Unknown,
    }
}
