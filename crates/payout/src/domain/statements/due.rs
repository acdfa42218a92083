//! Micros become coins, and nothing is lost: what a statement can not ask for is carried to the next.

use kernel::Currency;

/// Digits of a micro amount after the point.
const MICRO_DIGITS: u32 = 6;

/// Currencies without a minor unit (ISO 4217, list one).
const NO_DIGITS: [&str; 17] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
    "XOF", "XPF",
];
/// Currencies with a thousandth.
const THREE_DIGITS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
/// Units of account with a ten-thousandth.
const FOUR_DIGITS: [&str; 2] = ["CLF", "UYW"];

/// What a statement asks for, and what it leaves, in micros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Whole minor units; at least 0.
    pub due: i128,
    /// The rest: from 0 to less than a minor unit, or a debt below 0.
    pub carried: i128,
}

/// Digits after the point of a currency's minor unit, as ISO 4217 says.
#[must_use]
pub fn minor_digits(currency: Currency) -> u32 {
    let is_in = |codes: &[&str]| codes.contains(&currency.code());
    if is_in(&NO_DIGITS) {
        0
    } else if is_in(&THREE_DIGITS) {
        3
    } else if is_in(&FOUR_DIGITS) {
        4
    } else {
        2
    }
}

/// What is due of `exact` micros, rounded down to the currency's minor unit. A debt is not asked for: it is carried whole.
#[must_use]
pub fn floor_to_minor(exact: i128, currency: Currency) -> Due {
    if exact <= 0 {
        return Due { due: 0, carried: exact };
    }
    let unit = 10_i128.saturating_pow(MICRO_DIGITS.saturating_sub(minor_digits(currency)));
    let carried = exact.checked_rem_euclid(unit).unwrap_or_default();
    Due { due: exact.saturating_sub(carried), carried }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "sums of a test, far from any end")]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::cents("USD", 12_345_678, 12_340_000, 5_678)]
    #[case::whole("USD", 12_340_000, 12_340_000, 0)]
    #[case::yen("JPY", 12_999_999, 12_000_000, 999_999)]
    #[case::less_than_a_yen("JPY", 999_999, 0, 999_999)]
    #[case::fils("KWD", 12_345_678, 12_345_000, 678)]
    #[case::unidad("CLF", 12_345_678, 12_345_600, 78)]
    #[case::nothing("EUR", 0, 0, 0)]
    #[case::debt("EUR", -3_333_333, 0, -3_333_333)]
    fn amounts_become_coins(
        #[case] code: &str,
        #[case] exact: i128,
        #[case] due: i128,
        #[case] carried: i128,
    ) {
        assert_eq!(floor_to_minor(exact, code.parse().unwrap()), Due { due, carried });
    }

    proptest! {
        #[test]
        fn nothing_is_lost_over_any_number_of_statements(
            movements in prop::collection::vec(-9_000_000_000_000_i64..9_000_000_000_000, 1..60),
            code in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF", "EUR", "XOF", "TND"]),
        ) {
            let currency: Currency = code.parse().unwrap();
            let unit = 10_i128.pow(6 - minor_digits(currency));
            let (mut asked, mut carried, mut exact) = (0_i128, 0_i128, 0_i128);
            for movement in movements {
                exact += i128::from(movement);
                let statement = floor_to_minor(carried + i128::from(movement), currency);
                prop_assert!(statement.due >= 0 && statement.due % unit == 0, "whole coins");
                prop_assert!(statement.carried < unit, "less than a coin is left");
                asked += statement.due;
                carried = statement.carried;
                prop_assert_eq!(asked + carried, exact);
            }
        }
    }
}
