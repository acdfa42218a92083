//! The header `Idempotency-Key` of calls that order something.

use actix_web::HttpRequest;
use http_kit::Problem;

const HEADER: &str = "idempotency-key";
/// As in the catalog: room for a UUID and whatever a client puts around it.
const KEY_BYTES_MAX: usize = 255;

/// The header, for the document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the document reads it, and `read` the header")]
pub(super) struct IdempotencyKey {
    /// A text of your choice, such as a UUID. The same call again by the same token is the same order, however late; with
    /// another body it is refused (422).
    #[param(
        rename = "Idempotency-Key",
        required = false,
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]([ -~]*[!-~])?$",
        example = "6f1c2f9e-6a0f-4a5e-9d55-0c8b1a4d7e21"
    )]
    idempotency_key: String,
}

/// The key of a call; none when it has none.
pub(super) fn read(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get(HEADER) else { return Ok(None) };
    let is_printable = |key: &&str| key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let key = value.to_str().ok().map(str::trim).filter(is_printable);
    let key = key.filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len()));
    key.map(|key| Some(key.to_owned())).ok_or_else(unreadable)
}

/// 400 for the header.
pub(super) fn unreadable() -> Problem {
    Problem::bad_request(
        "invalid_idempotency_key",
        format!("Idempotency-Key must be 1 to {KEY_BYTES_MAX} printable ASCII characters, such as a UUID"),
    )
}
