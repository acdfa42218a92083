//! What an import says beside its rows.

use std::collections::BTreeMap;

use http_kit::Problem;
use serde_json::Value;

use crate::{
    domain::import::{ImportRequest, Operation, PROVIDER},
    http::{
        json::read_ticks,
        reading::{Field, Reader, Unknown},
    },
};

/// As long as an `Idempotency-Key`.
const ID_CHARS_MAX: usize = 255;
/// The longest name of a provider.
pub const PROVIDER_CHARS_MAX: usize = 100;

/// Reads the fields beside the rows.
///
/// # Errors
/// 422 with every wrong field.
pub fn read(
    mut head: BTreeMap<String, Value>,
    had_rows: bool,
    rows: usize,
) -> Result<ImportRequest, Problem> {
    let mut r = Reader::new();
    let mut take = |name: &str| Field::from(head.remove(name));
    let id = r.text("concurrencyRequestId", take("concurrencyRequestId"), ID_CHARS_MAX);
    let id = r.required(
        "concurrencyRequestId",
        id,
        "a text of your choice, such as a UUID, new for each new import",
    );
    let operations: Vec<_> = Operation::ALL.iter().map(|it| (it.as_str(), *it)).collect();
    let operation = r.word("operation", take("operation"), &operations);
    let operation = r.required("operation", operation, "Insert, or Synchronize to pause what is absent");
    let provider = r.text("provider", take("provider"), PROVIDER_CHARS_MAX);
    let codes = read_ticks(&mut r, take("acceptedWarnings"));
    if had_rows {
        if rows == 0 {
            r.wrong("offers", "must have at least one offer: with none, Synchronize would pause every one");
        }
    } else if head.remove("offers").is_some_and(|value| !value.is_null()) {
        r.wrong("offers", "must be a list of offers");
    } else {
        r.required("offers", None::<()>, "a list of offers");
    }
    let unknown: Unknown = head;
    r.refuse_unknown(&unknown);
    let request = id.zip(operation).map(|(concurrency_request_id, operation)| ImportRequest {
        provider: provider.unwrap_or_else(|| PROVIDER.to_owned()),
        concurrency_request_id,
        operation,
        codes,
    });
    r.finish(request)
}
