//! Between the columns' types and the rules' types. A value that breaks our own rules is an error that names table and
//! column: the row was written by somebody else.

use chrono::{DateTime, Utc};
use diesel::result::Error;
use kernel::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::domain::records::Revision;

/// A moment for a column. Beyond the calendar its end is as good.
pub(super) fn to_sql(moment: Timestamp) -> DateTime<Utc> {
    let end = if moment.as_micros() < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_micros(moment.as_micros()).unwrap_or(end)
}

pub(super) fn from_sql(moment: DateTime<Utc>) -> Timestamp {
    Timestamp::from_micros(moment.timestamp_micros())
}

pub(super) fn revision_to_sql(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

pub(super) fn revision(value: i64, table: &'static str) -> Result<Revision, Error> {
    u64::try_from(value).map(Revision).map_err(|_negative| broken(table, "revision", "is negative"))
}

/// A small number of a column.
pub(super) fn small<T: TryFrom<i32>>(
    value: i32,
    table: &'static str,
    column: &'static str,
) -> Result<T, Error> {
    T::try_from(value).map_err(|_out_of_range| broken(table, column, "is out of range"))
}

/// The document of a column.
pub(super) fn document<T: DeserializeOwned>(
    value: Value,
    table: &'static str,
    column: &'static str,
) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| broken(table, column, &error.to_string()))
}

/// A document for a column.
pub(super) fn to_document(value: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::SerializationError(error.into()))
}

/// A word or text of a column that its reader does not know.
pub(super) fn broken(table: &'static str, column: &'static str, what: &str) -> Error {
    Error::DeserializationError(format!("{table}.{column} {what}").into())
}
