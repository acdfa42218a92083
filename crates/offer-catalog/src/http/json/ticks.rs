//! The warnings that a caller says are meant.

use std::collections::BTreeSet;

use http_kit::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    domain::lint::{Code, Severity},
    http::reading::{Field, Reader, Unknown},
};

/// How an offer is created.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"acceptedWarnings": ["no_creative"]}))]
pub struct CreateBody {
    /// Codes of warnings that are meant.
    #[schema(value_type = Option<Vec<String>>)]
    accepted_warnings: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl CreateBody {
    /// Reads the codes.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<BTreeSet<Code>, Problem> {
        let mut reader = Reader::new();
        reader.refuse_unknown(&self.unknown);
        let codes = read_ticks(&mut reader, self.accepted_warnings);
        reader.finish(Some(codes))
    }
}

/// Reads `acceptedWarnings`. An error can not be accepted, and an info needs no tick.
pub fn read_ticks(reader: &mut Reader, field: Field) -> BTreeSet<Code> {
    let warnings = || Code::ALL.iter().copied().filter(|code| code.severity() == Severity::Warning);
    let codes = reader.list("acceptedWarnings", field, Code::ALL.len(), |reader, item| {
        let words: Vec<(&str, Code)> = warnings().map(|code| (code.as_str(), code)).collect();
        reader.word("", item, &words)
    });
    codes.unwrap_or_default().into_iter().collect()
}
