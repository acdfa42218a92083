//! The OpenAPI document.

use http_kit::openapi::{self, About, Parameter};

use super::problem_examples;

/// What the document says of the service beside its operations.
pub const ABOUT: About = About {
    title: "GoKart offer-catalog",
    version: env!("CARGO_PKG_VERSION"),
    description: "Tenants, tokens, advertisers, publishers, postback credentials, creatives, and offers: draft, create, \
                  clone, share. Lists are paged; every error is application/problem+json and names every wrong field at \
                  once.\n\nThe examples tell one story: the tenant Brownboots offers Golfin iOS, which pays for Install, \
                  Reach Level 10 and Purchase, and shares it with the publisher Rewardville.",
    tags: &[
        ("Tenants", "Who works here: names, time zone, currency, rates."),
        ("Users", "People and what they may do."),
        ("Tokens", "How programs and people come in."),
        ("Credentials", "What AppsFlyer's postbacks are known by."),
        ("Advertisers", "Who pays."),
        ("Publishers", "Who earns, and where they are told."),
        ("Reference", "What may be chosen."),
        ("Creatives", "Pictures."),
        ("Offers", "Draft, lint, create, clone, share, pause, end; versions and what differs between them."),
        ("Scheduled changes", "Revenue, payout and reward that change by themselves at an hour."),
        ("Imports", "Many offers in one call, and out again."),
        ("Partner feed", "What a publisher sees: what is shared with it and only that."),
        ("Audit log", "Who did what."),
    ],
    parameters: &PARAMETERS,
    problems: problem_examples::all,
};

/// Ids of the story, and parameters that mean the same in several lists.
const PARAMETERS: [Parameter; 20] = [
    id("advertiser_id", "The advertiser.", "0193a1f0-0000-7000-8000-000000000001", "advertiser"),
    id("publisher_id", "The publisher.", "0193a1f0-0000-7000-8000-000000000002", "publisher"),
    id("endpoint_id", "The postback.", "0193a1f0-0000-7000-8000-000000000010", "postback"),
    id("offer_id", "The offer.", "0194a3c0-0000-7000-8000-000000000001", "offer"),
    id("change_id", "The scheduled change.", "0193a1f0-0000-7000-8000-00000000000f", "scheduled change"),
    id("version", "The version, counted from 1.", "1", "version of this offer"),
    id("creative_id", "The creative.", "0193a1f0-0000-7000-8000-000000000007", "creative"),
    id("credential_id", "The credential.", "0193a1f0-0000-7000-8000-00000000000d", "credential"),
    id("import_id", "The import.", "0193a1f0-0000-7000-8000-00000000000e", "import"),
    id("token_id", "The token.", "0193a1f0-0000-7000-8000-00000000000b", "token"),
    id("user_id", "The user.", "0193a1f0-0000-7000-8000-00000000000c", "user"),
    of("advertiserId", "Only of this advertiser.", "0193a1f0-0000-7000-8000-000000000001"),
    of("publisherId", "Only of this publisher.", "0193a1f0-0000-7000-8000-000000000002"),
    of("subject", "Only about the thing with this id.", "0194a3c0-0000-7000-8000-000000000001"),
    of("active", "Only those that take part, or only those that do not.", "true"),
    of("name", "What people call it.", "golfin.png"),
    of("outcome", "Only rows with this end.", "Failed"),
    of("provider", "Whose offers.", "custom"),
    of("format", "In which form.", "json"),
    of("to", "The version to compare with.", "2"),
];

const fn id(
    name: &'static str,
    description: &'static str,
    example: &'static str,
    names: &'static str,
) -> Parameter {
    Parameter { name, description, example, names }
}

const fn of(name: &'static str, description: &'static str, example: &'static str) -> Parameter {
    Parameter { name, description, example, names: "" }
}

/// The document, as `print-openapi` prints it.
///
/// # Errors
/// When it can not be written as JSON: a bug of a schema.
pub fn openapi() -> Result<String, serde_json::Error> {
    openapi::json(&ABOUT, super::documented)
}
