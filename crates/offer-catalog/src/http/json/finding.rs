//! What the linter says.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::lint::Finding;

/// One finding of the linter.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Finding)]
#[schema(example = json!({
    "code": "no_creative",
    "severity": "warning",
    "field": "creatives",
    "detail": "users see no picture, such as an App Store screenshot",
    "accepted": true
}))]
pub struct FindingJson {
    /// Stable: program against it.
    #[schema(example = "sequence_gap")]
    code: &'static str,
    /// error (stops creation and sharing), warning or info.
    #[schema(example = "warning")]
    severity: &'static str,
    /// The field it is about.
    #[schema(example = "events")]
    field: String,
    /// What is wrong and what would be right.
    detail: String,
    /// Whether somebody said that this warning is meant.
    accepted: bool,
}

impl From<Finding> for FindingJson {
    fn from(finding: Finding) -> Self {
        Self::new(finding, false)
    }
}

impl FindingJson {
    /// A finding, and whether somebody has accepted it.
    pub fn new(finding: Finding, is_accepted: bool) -> Self {
        Self {
            accepted: is_accepted,
            code: finding.code.as_str(),
            severity: finding.code.severity().as_str(),
            field: finding.field,
            detail: finding.detail,
        }
    }
}

/// What the linter says of an offer that is not saved.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LintResult)]
#[schema(example = json!({
    "canBeCreated": true,
    "findings": [
        {"code": "no_creative", "severity": "warning", "field": "creatives",
         "detail": "users see no picture, such as an App Store screenshot", "accepted": true}
    ]
}))]
pub struct LintJson {
    /// Whether nothing but accepting warnings stands before creation.
    can_be_created: bool,
    /// The worst first.
    findings: Vec<FindingJson>,
}

impl LintJson {
    /// From findings.
    pub fn new(can_be_created: bool, findings: Vec<FindingJson>) -> Self {
        Self { can_be_created, findings }
    }
}
