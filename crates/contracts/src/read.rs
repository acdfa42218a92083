//! Reading messages at the edge: every value is checked once, and every error names the field.

use kernel::{Currency, FactId, IdError, Micros, Money, TenantId, Timestamp};

use crate::{ContractError, common, envelope::Envelope};

/// An error about one field.
#[must_use]
pub fn field_error(field: &str, problem: impl Into<String>) -> ContractError {
    ContractError::Field { field: String::from(field), problem: problem.into() }
}

/// An id: exactly 16 bytes. Give the id type's `from_slice`.
///
/// # Errors
/// [`ContractError::Field`] when the bytes are no id.
pub fn id<T>(
    parse: impl FnOnce(&[u8]) -> Result<T, IdError>,
    bytes: &[u8],
    field: &str,
) -> Result<T, ContractError> {
    parse(bytes).map_err(|error| field_error(field, format!("{error}, found {} bytes", bytes.len())))
}

/// An id that may be absent.
///
/// # Errors
/// [`ContractError::Field`] when it is there and no id.
pub fn optional_id<T>(
    parse: impl FnOnce(&[u8]) -> Result<T, IdError>,
    bytes: Option<&[u8]>,
    field: &str,
) -> Result<Option<T>, ContractError> {
    bytes.map(|bytes| id(parse, bytes, field)).transpose()
}

/// A message field that must be there.
///
/// # Errors
/// [`ContractError::Field`] when it is absent.
pub fn required<'a, T>(value: Option<&'a T>, field: &str) -> Result<&'a T, ContractError> {
    value.ok_or_else(|| field_error(field, "is missing, and a reader needs it"))
}

/// A moment.
#[must_use]
pub const fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// A currency code.
///
/// # Errors
/// [`ContractError::Field`] when it is not three letters.
pub fn currency(code: &str, field: &str) -> Result<Currency, ContractError> {
    code.parse().map_err(|error| field_error(field, format!("{error}")))
}

/// An amount of money.
///
/// # Errors
/// [`ContractError::Field`] when it is absent or its currency is no currency.
pub fn money(value: Option<&common::Money>, field: &str) -> Result<Money, ContractError> {
    let value = required(value, field)?;
    Ok(Money::new(Micros(value.micros), currency(&value.currency, field)?))
}

/// An amount of money that may be absent.
///
/// # Errors
/// [`ContractError::Field`] when it is there and its currency is no currency.
pub fn optional_money(value: Option<&common::Money>, field: &str) -> Result<Option<Money>, ContractError> {
    value.map(|value| money(Some(value), field)).transpose()
}

/// The message form of an amount.
#[must_use]
pub fn to_money(money: Money) -> common::Money {
    common::Money { micros: money.amount.0, currency: String::from(money.currency.code()) }
}

/// An enum value: known and not the zero, which means that its writer said nothing.
///
/// # Errors
/// [`ContractError::Field`] for zero and for a number this build does not know.
pub fn enumeration<T: TryFrom<i32>>(value: i32, field: &str) -> Result<T, ContractError> {
    if value == 0 {
        return Err(field_error(field, "is unspecified, and a reader needs it"));
    }
    T::try_from(value).map_err(|_unknown| field_error(field, format!("has the unknown value {value}")))
}

/// The fact id of an envelope: its inbox key.
///
/// # Errors
/// [`ContractError::Field`] when it is no id.
pub fn fact_id(envelope: &Envelope) -> Result<FactId, ContractError> {
    id(FactId::from_slice, &envelope.fact_id, "envelope.fact_id")
}

/// The tenant of an envelope.
///
/// # Errors
/// [`ContractError::Field`] when it names none.
pub fn tenant_id(envelope: &Envelope) -> Result<TenantId, ContractError> {
    id(TenantId::from_slice, &envelope.tenant_id, "envelope.tenant_id")
}
