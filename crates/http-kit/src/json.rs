//! JSON bodies whose errors name the field.
//!
//! Called `Json` like actix's own so that utoipa documents the body of a handler by itself.

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, Responder, body::BoxBody, dev::Payload,
    http::StatusCode, web::Bytes,
};
use futures_util::future::LocalBoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use crate::{connection, field_path, problem::Problem};

/// A JSON body: as an argument of a handler it is read and checked, as a result it is written.
///
/// Refusals are problems: 415 for another media type, 413 and 408 for a body over the server's bounds, 400
/// `malformed_json` with line and column, 422 `invalid_body` with the field and what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = is_json(request.content_type());
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            if !json {
                return Err(not_json());
            }
            let body = body.await.map_err(|error| connection::body_problem(&error))?;
            parse(&body).map(Self)
        })
    }
}

impl<T: Serialize> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<BoxBody> {
        HttpResponse::Ok().json(self.0)
    }
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// 415.
pub(crate) fn not_json() -> Problem {
    Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .detail("send a JSON body with the header content-type: application/json")
}

/// What a body that breaks off is answered, as an example.
pub(crate) fn malformed() -> Option<Problem> {
    parse::<serde_json::Value>(b"{\"name\": ").err()
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        refusal(&path, error.inner())
    })?;
    reader.end().map_err(|error| refusal(".", &error))?;
    Ok(value)
}

fn refusal(path: &str, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    // serde_json ends every text with the place; in a field error the field is the place.
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    match error.classify() {
        Category::Data => {
            let wrong = field_path::wrong_field(path, what);
            Problem::invalid(vec![wrong])
        }
        Category::Syntax | Category::Eof | Category::Io => Problem::bad_request(
            "malformed_json",
            format!("the body is not JSON: {what} at line {}, column {}", error.line(), error.column()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the refusals matter here")]
    struct Offer {
        name: String,
        events: Vec<Event>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the refusals matter here")]
    struct Event {
        payout_micros: u64,
    }

    fn refused(body: &str) -> (u16, String, String) {
        let problem = parse::<Offer>(body.as_bytes()).unwrap_err();
        let first = problem.errors().first().cloned();
        (
            problem.status().as_u16(),
            first.as_ref().map(|error| error.field.clone()).unwrap_or_default(),
            first.map(|error| error.detail).unwrap_or_default(),
        )
    }

    #[test]
    fn a_wrong_type_names_the_path() {
        let (status, field, detail) = refused(r#"{"name":"x","events":[{"payout_micros":"free"}]}"#);
        assert_eq!((status, field.as_str()), (422, "events[0].payout_micros"));
        assert!(detail.contains("expected u64"), "{detail}");
    }

    #[test]
    fn a_missing_field_is_named_itself_and_not_its_parent() {
        assert_eq!(refused(r#"{"name":"x","events":[{}]}"#).1, "events[0].payout_micros");
        assert_eq!(refused(r#"{"events":[]}"#).1, "name");
    }

    #[test]
    fn an_unknown_field_is_named() {
        assert_eq!(refused(r#"{"name":"x","events":[],"nmae":1}"#).1, "nmae");
    }

    #[test]
    fn text_that_is_not_json_is_400_with_its_place() {
        for body in ["", "{", "nul", r#"{"name":"x","events":[]} tail"#] {
            assert_eq!(refused(body).0, 400, "{body}");
        }
    }

    #[test]
    fn media_types_with_a_json_suffix_are_json() {
        assert!(is_json("application/json"));
        assert!(is_json("Application/Merge-Patch+JSON"));
        assert!(!is_json("text/json"));
        assert!(!is_json(""));
    }
}
