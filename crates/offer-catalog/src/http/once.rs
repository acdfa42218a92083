//! The header `Idempotency-Key`, and answers that may have been given before.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use http_kit::{Problem, auth::Caller};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{answers, json::OfferJson};
use crate::{
    domain::idempotency::{AnswerKey, KEY_BYTES_MAX},
    flows::{Answer, OfferView, Once, OnceKey},
};

const HEADER: &str = "idempotency-key";

/// The header, for the document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the document reads it, and `once` the header")]
pub struct IdempotencyKey {
    /// A text of your choice, such as a UUID. The same call again within 24 hours gets the answer that the first one was given
    /// (with the header Idempotent-Replayed) and does nothing; with another body it is refused (422), while the first is under
    /// way too (409).
    // As long as KEY_BYTES_MAX; printable ASCII, spaces inside only.
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

/// How this call wants to be answered. What counts as the same call: method, path and the fields of the body, whatever
/// their order.
pub fn once<T>(
    caller: &Caller,
    request: &HttpRequest,
    body: &impl Serialize,
    written: fn(T) -> Result<Answer, serde_json::Error>,
) -> Result<Once<T>, Problem> {
    let Some(value) = request.headers().get(HEADER) else { return Ok(Once { key: None, written }) };
    let is_printable = |key: &&str| key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let key = value.to_str().ok().map(str::trim).filter(is_printable);
    let key = key.filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len()));
    let key = key.ok_or_else(unreadable_key)?;
    let body = serde_json::to_vec(body).map_err(Problem::internal)?;
    let request_hash = Sha256::new()
        .chain_update(request.method().as_str())
        .chain_update(b"\n")
        .chain_update(request.path())
        .chain_update(b"\n")
        .chain_update(body)
        .finalize()
        .into();
    let key = AnswerKey { tenant: caller.tenant, token: caller.token, key: key.to_owned() };
    Ok(Once { key: Some(OnceKey { key, request_hash }), written })
}

/// 400 for the header.
pub fn unreadable_key() -> Problem {
    Problem::bad_request(
        "invalid_idempotency_key",
        format!("Idempotency-Key must be 1 to {KEY_BYTES_MAX} printable ASCII characters, such as a UUID"),
    )
}

/// 201 with what was made.
pub fn created(body: &impl Serialize) -> Result<Answer, serde_json::Error> {
    written(StatusCode::CREATED, None, false, body)
}

/// 201 with a secret in it: no cache may keep it.
pub fn created_secret(body: &impl Serialize) -> Result<Answer, serde_json::Error> {
    written(StatusCode::CREATED, None, true, body)
}

/// 200 with what was changed.
pub fn changed(body: &impl Serialize) -> Result<Answer, serde_json::Error> {
    written(StatusCode::OK, None, false, body)
}

/// 200 with a secret in it: no cache may keep it.
pub fn changed_secret(body: &impl Serialize) -> Result<Answer, serde_json::Error> {
    written(StatusCode::OK, None, true, body)
}

/// 201 with a new offer and its `ETag`.
pub fn created_offer(offer: OfferView) -> Result<Answer, serde_json::Error> {
    offer_with(StatusCode::CREATED, offer)
}

/// 200 with an offer and its `ETag`.
pub fn offer(offer: OfferView) -> Result<Answer, serde_json::Error> {
    offer_with(StatusCode::OK, offer)
}

/// The answer on its way.
pub fn told(answer: &Answer) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK));
    if let Some(etag) = &answer.etag {
        response.insert_header((header::ETAG, etag.as_str()));
    }
    if answer.is_secret {
        response.insert_header(answers::no_store());
    }
    if answer.is_replayed {
        response.insert_header(("idempotent-replayed", "true"));
    }
    response.content_type(header::ContentType::json()).body(answer.body.expose_secret().to_owned())
}

fn offer_with(status: StatusCode, offer: OfferView) -> Result<Answer, serde_json::Error> {
    let offer = OfferJson::from(offer);
    written(status, Some(answers::etag_of(&offer)), false, &offer)
}

fn written(
    status: StatusCode,
    etag: Option<String>,
    is_secret: bool,
    body: &impl Serialize,
) -> Result<Answer, serde_json::Error> {
    let body = serde_json::to_string(body)?.into();
    Ok(Answer { status: status.as_u16(), etag, is_secret, body, is_replayed: false })
}
