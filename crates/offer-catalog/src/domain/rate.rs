//! A tenant's rate table: what one unit of a currency is worth in another. Payout looks a pair up as it stands, so what should be
//! converted both ways has two lines: nobody is surprised by the reciprocal of a rounded number.

use std::{collections::BTreeSet, fmt};

use kernel::Currency;
use serde::{Deserialize, Serialize};

use super::problems::Problems;

/// Pairs in a table: twenty currencies, each to each, with room.
pub const RATES_MAX: usize = 500;
/// Digits after the point.
const DIGITS: usize = 12;
/// 10^12.
const PARTS: u64 = 1_000_000_000_000;

/// A rate above 0 in parts of 10^12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RateE12(i64);

impl RateE12 {
    /// Reads a rate from its digits.
    ///
    /// # Errors
    /// A sentence that says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            String::from(
                "must be a number above 0, at most 9223372, with at most twelve digits after the point, such as \"1.0842\"",
            )
        };
        let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || rest.len() > DIGITS || !is_digits(whole) || !is_digits(rest) {
            return Err(wrong());
        }
        let units: i64 = whole.parse().map_err(|_too_long| wrong())?;
        let parts: i64 = format!("{rest:0<DIGITS$}").parse().map_err(|_too_long| wrong())?;
        let rate = i64::try_from(PARTS).ok().and_then(|each| units.checked_mul(each)?.checked_add(parts));
        rate.filter(|rate| *rate > 0).map(Self).ok_or_else(wrong)
    }

    /// In parts of 10^12.
    #[must_use]
    pub const fn e12(self) -> i64 {
        self.0
    }
}

impl fmt::Display for RateE12 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.unsigned_abs();
        let (whole, rest) = (parts.checked_div(PARTS), parts.checked_rem(PARTS));
        let rest = format!("{:0DIGITS$}", rest.unwrap_or_default());
        let rest = rest.trim_end_matches('0');
        let point = if rest.is_empty() { "" } else { "." };
        write!(out, "{}{point}{rest}", whole.unwrap_or_default())
    }
}

/// What one unit of `from` is worth in `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// The currency of an amount that was reported.
    pub from: Currency,
    /// The currency of the offer's terms.
    pub to: Currency,
    /// Above 0.
    #[serde(rename = "rateE12")]
    pub worth: RateE12,
}

/// Whether a table says one thing of each pair.
///
/// # Errors
/// Everything that is wrong, by its line.
pub fn check(rates: &[Rate]) -> Result<(), Problems> {
    let (mut problems, mut pairs) = (Problems::default(), BTreeSet::new());
    for (at, rate) in rates.iter().enumerate() {
        let (from, to) = (rate.from.code().to_owned(), rate.to.code().to_owned());
        if from == to {
            problems
                .add(format!("rates[{at}].to"), format!("must be another currency than `from`, is {to} too"));
        } else if !pairs.insert((from.clone(), to.clone())) {
            problems.add(
                format!("rates[{at}]"),
                format!("{from} to {to} is there already: one rate for each pair"),
            );
        }
    }
    problems.or(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1.0842", 1_084_200_000_000, "1.0842")]
    #[case(" 2 ", 2_000_000_000_000, "2")]
    #[case("0.000039", 39_000_000, "0.000039")]
    #[case("0.000000000001", 1, "0.000000000001")]
    #[case("9223372", 9_223_372_000_000_000_000, "9223372")]
    #[case("10.50", 10_500_000_000_000, "10.5")]
    fn rates_read_and_print(#[case] text: &str, #[case] parts: i64, #[case] printed: &str) {
        let rate = RateE12::parse(text).unwrap();
        assert_eq!((rate.e12(), rate.to_string().as_str()), (parts, printed));
    }

    #[rstest]
    fn other_texts_are_refused(
        #[values(
            "",
            "0",
            "0.0",
            "-1",
            "1e3",
            "1,5",
            ".5",
            "0.0000000000001",
            "9223373",
            "1.2.3",
            "99999999999999999999"
        )]
        text: &str,
    ) {
        assert!(RateE12::parse(text).is_err());
    }

    #[test]
    fn one_rate_for_each_pair_of_two_currencies() {
        let rate = |from: &str, to: &str| Rate {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            worth: RateE12::parse("2").unwrap(),
        };
        assert!(check(&[rate("EUR", "USD"), rate("USD", "EUR")]).is_ok());
        let wrong = check(&[rate("EUR", "USD"), rate("USD", "USD"), rate("EUR", "USD")]).unwrap_err();
        let fields: Vec<_> = wrong.into_vec().into_iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["rates[1].to", "rates[2]"]);
    }
}
