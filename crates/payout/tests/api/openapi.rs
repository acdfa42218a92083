//! The document is part of the API: a change of it is a change that somebody must see, and nothing in it is left open.

use payout::Payout;
use process::Service as _;
use test_kit::{document_of, faults_of_document};

#[test]
fn the_document_is_as_published() {
    insta::assert_json_snapshot!(document_of(Payout::openapi()), { ".info.version" => "[version]" });
}

#[test]
fn everything_has_its_words_an_example_and_every_error() {
    let faults = faults_of_document(&document_of(Payout::openapi()));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
