//! Amounts and shares. Read from their digits: a number in JSON is never taken through binary fractions by us, and text is
//! exact whatever wrote it.

use kernel::{Bps, Micros};
use serde_json::Value;

use super::{Field, Reader};

/// The greatest amount: a thousand million of a currency, so that sums of many still fit.
const AMOUNT_MAX: Micros = Micros(1_000_000_000_000_000);
/// Micros of one hundredth of a percent, when a percentage is read like an amount.
const MICROS_PER_BASIS_POINT: i64 = 10_000;

impl Reader {
    /// An amount of money, at least 0.
    pub fn amount(&mut self, name: &str, field: Field) -> Option<Micros> {
        let value = field.value()?;
        let amount = decimal(&value).filter(|amount| (Micros::ZERO..=AMOUNT_MAX).contains(amount));
        if amount.is_none() {
            self.wrong(name, "must be an amount from 0 to 1000000000 with at most six digits after the point, such as \"4.99\"");
        }
        amount
    }

    /// A percentage from 0 to 100.
    pub fn percent(&mut self, name: &str, field: Field) -> Option<Bps> {
        let value = field.value()?;
        let share = decimal(&value).and_then(|percent| {
            let exact = percent.0.checked_rem(MICROS_PER_BASIS_POINT) == Some(0);
            let points = percent.0.checked_div(MICROS_PER_BASIS_POINT).filter(|_points| exact)?;
            u32::try_from(points).ok().map(Bps).filter(|share| *share <= Bps::WHOLE)
        });
        if share.is_none() {
            self.wrong(name, "must be a percentage from 0 to 100 with at most two digits after the point, such as \"12.5\"");
        }
        share
    }
}

impl Reader {
    /// A number that has a form of its own, as text or as a number of JSON, read from its digits.
    pub fn digits<T>(
        &mut self,
        name: &str,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = match field.value()? {
            Value::String(text) => text,
            // serde_json writes a number back with the shortest digits that mean it.
            other
            @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        };
        match parse(&text) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.wrong(name, detail);
                None
            }
        }
    }
}

fn decimal(value: &Value) -> Option<Micros> {
    match value {
        Value::String(text) => Micros::parse_decimal(text.trim()),
        // serde_json writes a number back with the shortest digits that mean it.
        Value::Number(number) => Micros::parse_decimal(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A share as a percentage is written: `12.5`.
pub fn written_percent(share: Bps) -> String {
    let whole = share.0.checked_div(100).unwrap_or_default();
    let rest = share.0.checked_rem(100).unwrap_or_default();
    match rest {
        0 => whole.to_string(),
        _ if rest.checked_rem(10) == Some(0) => {
            format!("{whole}.{}", rest.checked_div(10).unwrap_or_default())
        }
        _ => format!("{whole}.{rest:02}"),
    }
}
