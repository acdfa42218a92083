//! What the linter says.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::lint::Finding;

/// One finding of the linter.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Finding)]
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
}

impl From<Finding> for FindingJson {
    fn from(finding: Finding) -> Self {
        Self {
            code: finding.code.as_str(),
            severity: finding.code.severity().as_str(),
            field: finding.field,
            detail: finding.detail,
        }
    }
}
