//! The OpenAPI document.

use http_kit::openapi::{self, About};

/// The document, as `print-openapi` prints it.
///
/// # Errors
/// When it can not be written as JSON: a bug of a schema.
pub fn openapi() -> Result<String, serde_json::Error> {
    openapi::json(
        About {
            title: "GoKart offer-catalog",
            version: env!("CARGO_PKG_VERSION"),
            description: "Tenants, tokens, advertisers, publishers, postback credentials, creatives, and offers: \
                          draft, create, clone, share. Lists are paged; every error is application/problem+json and names every \
                          wrong field at once.",
        },
        super::documented,
    )
}
