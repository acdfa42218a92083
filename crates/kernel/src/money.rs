//! Money is whole millionths of a currency unit in an `i64`; shares are basis points; what lies between is `i128`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Micros in one unit of a currency.
const MICROS_PER_UNIT: i64 = 1_000_000;
/// Digits after the point that a micro amount can hold.
const MICRO_DIGITS: usize = 6;

/// An amount in millionths of a currency unit: 4.99 is `4_990_000`. May be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The sum, or `None` when it does not fit.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, or `None` when it does not fit.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// `share` of this amount, rounded towards negative infinity to the micro; `None` when it does not fit.
    #[must_use]
    pub fn floor_share(self, share: Bps) -> Option<Self> {
        let product = i128::from(self.0).checked_mul(i128::from(share.0))?;
        i64::try_from(product.checked_div_euclid(i128::from(Bps::WHOLE.0))?).ok().map(Self)
    }

    /// `share` of this amount, rounded to the nearest micro, halves up; `None` when it does not fit.
    #[must_use]
    pub fn half_up_share(self, share: Bps) -> Option<Self> {
        let whole = i128::from(Bps::WHOLE.0);
        let product = i128::from(self.0).checked_mul(i128::from(share.0))?;
        let halved = product.checked_add(whole.checked_div(2)?)?;
        i64::try_from(halved.checked_div_euclid(whole)?).ok().map(Self)
    }

    /// Reads a plain decimal such as `4.99` or `-12`; digits after the sixth must be zero.
    #[must_use]
    pub fn parse_decimal(text: &str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (units, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if units.is_empty() && fraction.is_empty() || !all_digits(units) || !all_digits(fraction) {
            return None;
        }
        let (kept, cut) = fraction.split_at_checked(MICRO_DIGITS).unwrap_or((fraction, ""));
        if cut.bytes().any(|byte| byte != b'0') {
            return None;
        }
        let units: i64 = if units.is_empty() { 0 } else { units.parse().ok()? };
        let micros: i64 = format!("{kept:0<MICRO_DIGITS$}").parse().ok()?;
        let total = units.checked_mul(MICROS_PER_UNIT)?.checked_add(micros)?;
        Some(Self(if negative { total.checked_neg()? } else { total }))
    }
}

impl fmt::Display for Micros {
    /// Decimal text with two to six digits after the point: `4.99`, `0.000001`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let unit = MICROS_PER_UNIT.unsigned_abs();
        let units = magnitude.checked_div(unit).unwrap_or_default();
        let micros = magnitude.checked_rem(unit).unwrap_or_default();
        let mut fraction = format!("{micros:06}");
        while fraction.len() > 2 && fraction.ends_with('0') {
            fraction.pop();
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(out, "{sign}{units}.{fraction}")
    }
}

/// A share in basis points: 10 000 is the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bps(pub u32);

impl Bps {
    /// 100 %.
    pub const WHOLE: Self = Self(10_000);
}

/// A text that is not a currency code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a currency: expected three letters of ISO 4217, such as USD")]
pub struct CurrencyError;

/// A currency by its ISO 4217 code, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(*b"USD");

    /// The code, such as `USD`.
    #[must_use]
    pub fn code(&self) -> &str {
        // Only ASCII letters are ever stored, so this is always text; the fallback can not be reached.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let code: [u8; 3] = text.trim().as_bytes().try_into().map_err(|_wrong_length| CurrencyError)?;
        if code.iter().all(u8::is_ascii_alphabetic) {
            Ok(Self(code.map(|letter| letter.to_ascii_uppercase())))
        } else {
            Err(CurrencyError)
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = CurrencyError;

    fn try_from(text: String) -> Result<Self, CurrencyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        Self::from(currency.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Currency({})", self.code())
    }
}

/// An amount of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// How much.
    pub amount: Micros,
    /// Of what.
    pub currency: Currency,
}

impl Money {
    /// An amount of a currency.
    #[must_use]
    pub const fn new(amount: Micros, currency: Currency) -> Self {
        Self { amount, currency }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_read_and_print() {
        for (text, micros, printed) in [
            ("4.99", 4_990_000, "4.99"),
            ("-12", -12_000_000, "-12.00"),
            (".5", 500_000, "0.50"),
            ("0.0000010", 1, "0.000001"),
        ] {
            assert_eq!(Micros::parse_decimal(text), Some(Micros(micros)), "{text}");
            assert_eq!(Micros(micros).to_string(), printed);
        }
        for wrong in ["", ".", "1e3", "1,5", "0.0000001", "99999999999999", "--1", "+1", " 1"] {
            assert_eq!(Micros::parse_decimal(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn shares_round_as_their_names_say() {
        assert_eq!(Micros(999).floor_share(Bps(5_000)), Some(Micros(499)));
        assert_eq!(Micros(999).half_up_share(Bps(5_000)), Some(Micros(500)));
        assert_eq!(Micros(i64::MAX).floor_share(Bps(20_000)), None);
    }

    proptest! {
        #[test]
        fn every_amount_survives_its_text(micros in any::<i64>()) {
            prop_assume!(micros != i64::MIN);
            prop_assert_eq!(Micros::parse_decimal(&Micros(micros).to_string()), Some(Micros(micros)));
        }

        #[test]
        fn a_share_of_at_most_the_whole_never_exceeds_the_amount(micros in 0..i64::MAX, bps in 0..=10_000_u32) {
            let share = Micros(micros).floor_share(Bps(bps)).unwrap();
            prop_assert!(share.0 >= 0 && share.0 <= micros);
        }
    }
}
