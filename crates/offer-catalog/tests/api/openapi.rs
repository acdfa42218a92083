//! The document is part of the API: a change of it is a change that somebody must see, and nothing in it is left open.

use offer_catalog::OfferCatalog;
use process::Service as _;
use test_kit::{document_of, faults_of_document};

#[test]
fn the_document_is_as_published() {
    insta::assert_json_snapshot!(document_of(OfferCatalog::openapi()), { ".info.version" => "[version]" });
}

#[test]
fn everything_has_its_words_an_example_and_every_error() {
    let faults = faults_of_document(&document_of(OfferCatalog::openapi()));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// What a stranger may see without a token is decided here, not by a line that is forgotten.
#[test]
fn only_pictures_are_for_everybody() {
    let document = document_of(OfferCatalog::openapi());
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let is_open = operation["security"]
                .as_array()
                .is_none_or(|schemes| schemes.iter().all(|one| one == &serde_json::json!({})));
            assert_eq!(is_open, path == "/api/v1/creatives/files/{file}", "{method} {path}");
        }
    }
}
