//! The document is part of the API: a change of it is a change that somebody must see.

use process::Service as _;
use serde_json::Value;
use tracker::Tracker;

#[test]
fn the_document_is_as_published() {
    let document: Value = serde_json::from_str(&Tracker::openapi().expect("a document")).unwrap();
    insta::assert_json_snapshot!(document, { ".info.version" => "[version]" });
}
