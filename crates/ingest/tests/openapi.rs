//! The document is part of the API: a change of it is a change that somebody must see, and nothing in it is left open.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop")]

use ingest::Ingest;
use process::Service as _;
use serde_json::Value;
use test_kit::faults_of_document;

fn document() -> Value {
    serde_json::from_str(&Ingest::openapi().expect("a document")).unwrap()
}

#[test]
fn the_document_is_as_published() {
    insta::assert_json_snapshot!(document(), { ".info.version" => "[version]" });
}

#[test]
fn everything_has_its_words_an_example_and_every_error() {
    let faults = faults_of_document(&document());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
