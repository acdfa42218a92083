//! The API's description.

use http_kit::openapi::{self, About, Parameter, Said};

/// What the document says of the service beside its operations.
pub const ABOUT: About = About {
    tags: &[
        ("conversions", "What was earned, how it came to stand as it does, and what publishers were told."),
        (
            "deliveries",
            "What publishers were told, attempt by attempt; telling it again; trying an endpoint out.",
        ),
        ("ledger", "Money by double entry: what advertisers owe and publishers earn."),
        ("bulk statuses", "Statuses of many conversions by a file: a dry run, then its application."),
        ("limits", "Budgets and caps of offers: what was taken, what is left."),
        ("publishers", "How publishers' endpoints answer, what waits for them, and sending it again."),
        ("statements", "What parties earned and owe, month by month, and what is still to come."),
    ],
    parameters: &[
        of("id", "The conversion's id.", "0198d001-77aa-7b52-8f11-4b7c2a90e6d3", "conversion"),
        of("gk_click_id", "Of one click.", "0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e", ""),
        of("status", "In one status.", "Success", ""),
        of("onReview", "Those that are on review, or those that are not.", "true", ""),
        of("reasonCode", "With a reason of this code.", "REVIEW_TAINTED", ""),
        of("offer_id", "The offer's id.", "0194a3c0-0000-7000-8000-000000000001", "offer"),
        of("publisher_id", "The publisher's id.", "0193a1f0-0000-7000-8000-000000000002", "publisher"),
        of("endpoint_id", "The endpoint's id.", "0193a1f0-0000-7000-8000-000000000010", "endpoint"),
        of("statement_id", "The statement's id.", "5d6e2f10-8a4b-8c3d-9e7f-1a2b3c4d5e6f", "statement"),
        of("month", "The month.", "2026-11", "statement period"),
        of("period", "Of one month.", "2026-11", ""),
        of("of", "Of publishers only, or of advertisers only.", "Publisher", ""),
        of("advertiser_id", "Of one advertiser.", "0193a1f0-0000-7000-8000-000000000001", ""),
        of("bulk_id", "The plan's id.", "0199a2b4-7a10-7c4e-8f00-3d2b5a6c7d8e", "bulk status"),
        of("conversion_id", "Of one conversion.", "0198d001-77aa-7b52-8f11-4b7c2a90e6d3", ""),
        of("delivery_id", "The delivery's id.", "8b1f0c7e-64a0-8f3b-9c55-0f4b8a3c2d1e", "delivery"),
        of("replay_id", "As ordering it answered.", "019abf10-7a10-7c4e-8f00-3d2b5a6c7d8e", "replay"),
        of("state", "In one state.", "exhausted", ""),
        of("from", "From then on.", "2026-12-01T00:00:00Z", ""),
        of("to", "Before then.", "2026-12-03T00:00:00Z", ""),
        of(
            "cursor",
            "The `nextCursor` of the page before.",
            "1796206531000000.8b1f0c7e-64a0-8f3b-9c55-0f4b8a3c2d1e",
            "",
        ),
    ],
    problems,
    ..About::new(
        "GoKart payout",
        env!("CARGO_PKG_VERSION"),
        "Conversions, their money and what publishers were told of them.",
    )
};

const fn of(
    name: &'static str,
    description: &'static str,
    example: &'static str,
    names: &'static str,
) -> Parameter {
    Parameter { name, description, example, names }
}

/// Problems of single operations.
fn problems() -> Vec<Said> {
    [
        super::list_conversions::problems(),
        super::decide_conversion::problems(),
        super::bulk_statuses::problems(),
        super::resume_endpoint::problems(),
        super::statements::problems(),
        super::deliveries::problems(),
        super::replays::problems(),
        super::send_test::problems(),
    ]
    .concat()
}

/// The OpenAPI document.
///
/// # Errors
/// When it can not be written as JSON: a bug of a schema.
pub fn openapi() -> Result<String, serde_json::Error> {
    openapi::json(&ABOUT, super::documented)
}
