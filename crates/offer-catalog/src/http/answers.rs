//! Answers that are more than a JSON body, and bodies and headers that may be left out.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web::Bytes,
};
use http_kit::{Page, Problem};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::openapi::{
    Required,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::{ObjectBuilder, OneOfBuilder, Type},
};

use super::json::OfferJson;
use crate::domain::{listing::Window, records::Revision};

/// 201 with a secret in it: no cache may keep it.
pub fn created_secret(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Created().insert_header(no_store()).json(body)
}

/// 200 with a secret in it.
pub fn secret(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(no_store()).json(body)
}

/// 200 with an offer and its `ETag`.
pub fn offer(offer: &OfferJson) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::ETAG, etag_of(offer))).json(offer)
}

/// 200 with something that can be changed, and its `ETag`.
pub fn tagged(revision: Revision, body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::ETAG, format!("\"{}\"", revision.0))).json(body)
}

/// The header `If-Match`, for the document.
pub struct IfMatch;

impl utoipa::IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let form = OneOfBuilder::new()
            .item(text().enum_values(Some(["*"])))
            .item(text().pattern(Some(r#"^"[0-9]{1,19}"$"#)));
        let header = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("The `ETag` as it was read."))
            .example(Some("\"3\"".into()))
            .schema(Some(form));
        vec![header.build()]
    }
}

/// The revision the caller has read, when it says so in `If-Match`.
pub fn expected_revision(request: &HttpRequest) -> Result<Option<Revision>, Problem> {
    let Some(value) = request.headers().get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    quoted
        .and_then(|number| number.parse().ok())
        .map(|number| Some(Revision(number)))
        .ok_or_else(unreadable_if_match)
}

/// 400 for the header.
pub fn unreadable_if_match() -> Problem {
    Problem::bad_request(
        "invalid_if_match",
        "If-Match must be the ETag that came with what you read, such as \"3\"",
    )
}

/// A body that may be left out, or be `null`.
pub fn optional_body<T: DeserializeOwned + Default>(body: &Bytes) -> Result<T, Problem> {
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice::<Option<T>>(body)
        .map(Option::unwrap_or_default)
        .map_err(|error| Problem::bad_request("malformed_json", format!("the body can not be read: {error}")))
}

/// The part of a list that a page shows.
pub fn window(page: Page) -> Window {
    Window { offset: page.offset(), limit: page.limit() }
}

/// The `ETag` of an offer.
pub fn etag_of(offer: &OfferJson) -> String {
    format!("\"{}\"", offer.revision())
}

/// No cache may keep it.
pub fn no_store() -> (header::HeaderName, HeaderValue) {
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}
