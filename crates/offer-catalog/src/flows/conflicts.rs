//! Refusals with a code of their own that no rule of the domain makes: one place for each, so that the API's document shows
//! the very words that are answered.

use super::FlowError;

impl FlowError {
    /// A call with this `Idempotency-Key` is under way.
    pub fn key_in_use() -> Self {
        conflict(
            "idempotency_key_in_use",
            "a call with this Idempotency-Key is under way; wait for its answer, or send it again a little later",
        )
    }

    /// The domain is another tenant's.
    pub fn domain_taken(domain: &str) -> Self {
        conflict("domain_taken", format!("the domain {domain} belongs to another tenant"))
    }

    /// The tenant has agreed on it before.
    pub fn category_exists(name: &str) -> Self {
        conflict(
            "category_exists",
            format!("the category {name} is there already, perhaps in another case: use that one"),
        )
    }

    /// A publisher is told of each thing in one place.
    pub fn postback_exists() -> Self {
        conflict(
            "postback_exists",
            "this publisher is told of this in one place already: change that one, or remove it first",
        )
    }

    /// An import with this id and other content came before.
    pub fn concurrency_request_id_reused() -> Self {
        conflict(
            "concurrency_request_id_reused",
            "an import with this concurrencyRequestId and other content came before; send the very same content to learn \
             how far it is, or choose a new id for a new import",
        )
    }
}

fn conflict(code: &'static str, detail: impl Into<String>) -> FlowError {
    FlowError::Conflict { code, detail: detail.into(), fields: Vec::new() }
}
