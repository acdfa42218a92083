//! The API's description.

use http_kit::openapi::{self, About};

/// The OpenAPI document.
///
/// # Errors
/// When it can not be written as JSON: a bug of a schema.
pub fn openapi() -> Result<String, serde_json::Error> {
    openapi::json(
        About {
            title: "GoKart payout",
            version: env!("CARGO_PKG_VERSION"),
            description: "Conversions, their money and what publishers were told of them.",
        },
        super::documented,
    )
}
