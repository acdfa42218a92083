//! The API's description.

use http_kit::openapi::{self, About, Parameter, Said};

/// What the document says of the service beside its operations.
pub const ABOUT: About = About {
    tags: &[
        ("conversions", "What was earned, how it came to stand as it does, and what publishers were told."),
        ("ledger", "Money by double entry: what advertisers owe and publishers earn."),
        ("bulk statuses", "Statuses of many conversions by a file: a dry run, then its application."),
        ("limits", "Budgets and caps of offers: what was taken, what is left."),
    ],
    parameters: &[
        of("id", "The conversion's id.", "0198d001-77aa-7b52-8f11-4b7c2a90e6d3", "conversion"),
        of("gk_click_id", "Of one click.", "0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e", ""),
        of("status", "In one status.", "Success", ""),
        of("offer_id", "The offer's id.", "0194a3c0-0000-7000-8000-000000000001", "offer"),
        of("bulk_id", "The plan's id.", "0199a2b4-7a10-7c4e-8f00-3d2b5a6c7d8e", "bulk status"),
        of("conversion_id", "Of one conversion.", "0198d001-77aa-7b52-8f11-4b7c2a90e6d3", ""),
    ],
    problems,
    ..About::new(
        "GoKart payout",
        env!("CARGO_PKG_VERSION"),
        "Conversions, their money and what publishers were told of them.",
    )
};

fn problems() -> Vec<Said> {
    super::decide_conversion::problems().into_iter().chain(super::bulk_statuses::problems()).collect()
}

const fn of(
    name: &'static str,
    description: &'static str,
    example: &'static str,
    names: &'static str,
) -> Parameter {
    Parameter { name, description, example, names }
}

/// The OpenAPI document.
///
/// # Errors
/// When it can not be written as JSON: a bug of a schema.
pub fn openapi() -> Result<String, serde_json::Error> {
    openapi::json(&ABOUT, super::documented)
}
