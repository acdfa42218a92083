//! The document is part of the API: a change of it is a change that somebody must see.

use offer_catalog::OfferCatalog;
use process::Service as _;
use serde_json::Value;

#[test]
fn the_document_is_as_published() {
    let document: Value = serde_json::from_str(&OfferCatalog::openapi().expect("a document")).unwrap();
    insta::assert_json_snapshot!(document, { ".info.version" => "[version]" });
}

#[test]
fn every_operation_says_how_it_is_secured_and_what_it_is_for() {
    let document: Value = serde_json::from_str(&OfferCatalog::openapi().expect("a document")).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(operation["security"][0].is_object(), "{method} {path}");
            assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{method} {path}");
        }
    }
}
