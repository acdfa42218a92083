//! Error handlers for actix's own extractors, so that these too refuse with a [`Problem`].

use actix_web::{
    HttpRequest, ResponseError as _,
    error::{JsonPayloadError, PathError, QueryPayloadError},
    http::StatusCode,
    web::{JsonConfig, PathConfig, PayloadConfig, QueryConfig},
};

use crate::{problem::Problem, query};

/// A path segment that is not what the handler expects; names the segments of the route.
pub(crate) fn path() -> PathConfig {
    PathConfig::default().error_handler(|error, request| wrong_path(&error, request).into())
}

fn wrong_path(error: &PathError, request: &HttpRequest) -> Problem {
    let PathError::Deserialize(reason) = error else { return Problem::of_status(StatusCode::BAD_REQUEST) };
    let names = request.match_info().iter().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
    invalid_path(names, reason.to_string())
}

/// 400 for a part of the path.
pub(crate) fn invalid_path(names: impl Into<String>, reason: impl Into<String>) -> Problem {
    Problem::bad_request("invalid_path", "a part of the path is not acceptable").field(names, reason)
}

/// actix's own `web::Query`; [`crate::Query`] names the parameter, this one can not.
pub(crate) fn query() -> QueryConfig {
    QueryConfig::default().error_handler(|error, _| {
        let reason = match &error {
            QueryPayloadError::Deserialize(reason) => reason.to_string(),
            _ => "cannot be read".to_owned(),
        };
        query::invalid("(whole)", reason).into()
    })
}

/// actix's own `web::Json`; [`crate::Json`] names the field, this one can not.
pub(crate) fn json(limit_bytes: usize) -> JsonConfig {
    JsonConfig::default().limit(limit_bytes).error_handler(|error, _| {
        if let JsonPayloadError::Deserialize(reason) = &error {
            return Problem::bad_request("malformed_json", reason.to_string()).into();
        }
        Problem::of_status(error.status_code()).into()
    })
}

/// The bound of `Bytes` and `String` (and so of [`crate::Json`]).
pub(crate) fn payload(limit_bytes: usize) -> PayloadConfig {
    PayloadConfig::new(limit_bytes)
}
