//! Codes as the document shows them: every word that an operation takes, and no other.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::list_parked::WAITING;
use crate::domain::{Code, QUARANTINE_CAUSES};

/// Any code.
pub(super) struct AnyCode;
/// A cause of the quarantine.
pub(super) struct Cause;
/// What waits.
pub(super) struct Waiting;

impl PartialSchema for AnyCode {
    fn schema() -> RefOr<Schema> {
        words(Code::ALL)
    }
}

impl PartialSchema for Cause {
    fn schema() -> RefOr<Schema> {
        words(&QUARANTINE_CAUSES)
    }
}

impl PartialSchema for Waiting {
    fn schema() -> RefOr<Schema> {
        words(&WAITING)
    }
}

impl ToSchema for AnyCode {}
impl ToSchema for Cause {}
impl ToSchema for Waiting {}

fn words(codes: &[Code]) -> RefOr<Schema> {
    let known: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(known)).into()
}
