//! A reason's code as callers write it and as the document shows it: every one that there is, and no other.

use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::domain::reason_codes;

/// One of [`reason_codes::all`].
#[derive(Debug, Clone, Copy)]
pub struct ReasonCode(pub &'static str);

impl<'de> Deserialize<'de> for ReasonCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        reason_codes::parse(&text).map(Self).ok_or_else(|| {
            let known: Vec<&str> = reason_codes::all().collect();
            D::Error::custom(format!("must be one of {}", known.join(", ")))
        })
    }
}

impl PartialSchema for ReasonCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(reason_codes::all())).into()
    }
}

impl ToSchema for ReasonCode {}
