//! What may be chosen.

use http_kit::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    offer_body::{ANCHORS, GENDERS, OFFER_TYPES, OVER_LIMIT, PLATFORMS, REACHED_BY},
    publisher::{METHODS, STATUSES},
    token::{ROLES, SCOPES},
};
use crate::{
    domain::{age_range, country::Country, macros},
    http::reading::{Field, Reader, Unknown},
};

/// A category to agree on.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "Golf"}))]
pub struct CategoryBody {
    /// Shown to people; compared without case.
    #[schema(value_type = String)]
    name: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl CategoryBody {
    /// Reads the category.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<String, Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let name = r.text("name", self.name, 100);
        let name = r.required("name", name, "the category, such as Golf");
        r.finish(name)
    }
}

/// The categories that the tenant has agreed on.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Categories)]
pub struct CategoriesJson {
    /// By name.
    #[schema(example = json!(["Golf", "Sports"]))]
    pub categories: Vec<String>,
}

/// The words that may be chosen.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reference)]
#[schema(example = json!({
    "offerTypes": ["SingleEvent", "MultiEvent"],
    "trackingSystems": ["AppsFlyer"],
    "categories": ["Golf", "Sports"],
    "countries": ["AU", "US", "ZA"],
    "platforms": ["IOS", "Android", "MacOS", "Browser"],
    "genders": ["All", "Female", "Male"],
    "ageRanges": ["18+"],
    "deadlineAnchors": ["Click", "Install"],
    "overLimitActions": ["Reject", "Review", "AcceptUnpaid"],
    "reachedBy": ["All", "Any"],
    "roles": ["owner", "manager", "analyst", "publisher"],
    "tokenScopes": ["read", "write", "manage"],
    "postbackMethods": ["GET", "POST"],
    "postbackStatuses": ["Pending", "Success", "Rejected"],
    "postbackMacros": ["pub_click_id", "conversion_id", "payout"]
}))]
pub struct ReferenceJson {
    /// Of offers.
    #[schema(value_type = Vec<String>)]
    offer_types: Vec<&'static str>,
    /// Those that we know well; others may be named.
    #[schema(value_type = Vec<String>)]
    tracking_systems: Vec<&'static str>,
    /// What the tenant has agreed on; offers may name others.
    categories: Vec<String>,
    /// ISO 3166-1 alpha-2. `["All"]` in an offer means every one.
    #[schema(value_type = Vec<String>)]
    countries: Vec<&'static str>,
    /// `["All"]` in an offer means every one.
    #[schema(value_type = Vec<String>)]
    platforms: Vec<&'static str>,
    /// Of users.
    #[schema(value_type = Vec<String>)]
    genders: Vec<&'static str>,
    /// The usual ones; any other range such as 30-39 is as good. `["All"]` in an offer means every age.
    #[schema(value_type = Vec<String>)]
    age_ranges: Vec<&'static str>,
    /// From when deadlines count.
    #[schema(value_type = Vec<String>)]
    deadline_anchors: Vec<&'static str>,
    /// What becomes of conversions above a cap or budget.
    #[schema(value_type = Vec<String>)]
    over_limit_actions: Vec<&'static str>,
    /// How many of its events reach a sequence number.
    #[schema(value_type = Vec<String>)]
    reached_by: Vec<&'static str>,
    /// Of users and tokens.
    #[schema(value_type = Vec<String>)]
    roles: Vec<&'static str>,
    /// Of tokens.
    #[schema(value_type = Vec<String>)]
    token_scopes: Vec<&'static str>,
    /// How publishers are told.
    #[schema(value_type = Vec<String>)]
    postback_methods: Vec<&'static str>,
    /// What publishers are told of.
    #[schema(value_type = Vec<String>)]
    postback_statuses: Vec<&'static str>,
    /// Of publishers' postback templates, each without its braces.
    postback_macros: Vec<String>,
}

impl ReferenceJson {
    /// The words, with a tenant's categories.
    #[must_use]
    pub fn new(categories: Vec<String>) -> Self {
        Self {
            offer_types: words(&OFFER_TYPES),
            tracking_systems: vec!["AppsFlyer"],
            categories,
            countries: Country::all().collect(),
            platforms: words(&PLATFORMS),
            genders: words(&GENDERS),
            age_ranges: age_range::USUAL.to_vec(),
            deadline_anchors: words(&ANCHORS),
            over_limit_actions: words(&OVER_LIMIT),
            reached_by: words(&REACHED_BY),
            roles: words(&ROLES),
            token_scopes: words(&SCOPES),
            postback_methods: words(&METHODS),
            postback_statuses: words(&STATUSES),
            postback_macros: macros::all().collect(),
        }
    }
}

fn words<T>(known: &[(&'static str, T)]) -> Vec<&'static str> {
    known.iter().map(|(word, _value)| *word).collect()
}
