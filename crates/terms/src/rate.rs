//! A currency rate in parts of 10^12, and the one place where an amount, a rate and a share meet.

use kernel::{Bps, Currency, Micros};

/// Parts of the whole.
const PARTS: i64 = 1_000_000_000_000;

/// How many 10^-12 of a unit of one currency a unit of another is worth. Always above 0. Twelve digits, because one dong is
/// 0.000039 dollars: of six, two would be left, and a rate would be wrong by one in a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(i64);

impl Rate {
    /// One for one: the rate of a currency to itself.
    pub const ONE: Self = Self(PARTS);

    /// A rate in parts of 10^12; `None` unless above 0.
    #[must_use]
    pub const fn from_e12(parts: i64) -> Option<Self> {
        if parts > 0 { Some(Self(parts)) } else { None }
    }

    /// The rate in parts of 10^12.
    #[must_use]
    pub const fn e12(self) -> i64 {
        self.0
    }
}

/// The rate a conversion was priced with: kept with it, so that it never moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedRate {
    /// Currency of the reported amount.
    pub from: Currency,
    /// Currency of the terms.
    pub to: Currency,
    /// What one unit of `from` is worth.
    pub rate: Rate,
}

/// `share` of `amount` at `rate`, rounded towards negative infinity once; `None` when it does not fit.
pub(crate) fn floor_share_at(amount: Micros, share: Bps, rate: Rate) -> Option<Micros> {
    rounded(amount, share, rate, 0)
}

/// `share` of `amount` at `rate`, rounded to the nearest micro once, halves up; `None` when it does not fit.
pub(crate) fn half_up_share_at(amount: Micros, share: Bps, rate: Rate) -> Option<Micros> {
    rounded(amount, share, rate, i128::from(whole()).checked_div(2)?)
}

fn rounded(amount: Micros, share: Bps, rate: Rate, add_first: i128) -> Option<Micros> {
    let product = i128::from(amount.0).checked_mul(i128::from(rate.0))?.checked_mul(i128::from(share.0))?;
    let quotient = product.checked_add(add_first)?.checked_div_euclid(i128::from(whole()))?;
    i64::try_from(quotient).ok().map(Micros)
}

/// What the product of a rate and a share has to be divided by.
fn whole() -> i64 {
    PARTS.saturating_mul(i64::from(Bps::WHOLE.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_is_above_nothing() {
        assert_eq!(Rate::from_e12(0), None);
        assert_eq!(Rate::from_e12(-1), None);
        assert_eq!(Rate::from_e12(PARTS), Some(Rate::ONE));
    }

    #[test]
    fn what_does_not_fit_is_none_and_never_wraps() {
        let rate = Rate::from_e12(i64::MAX).unwrap();
        assert_eq!(floor_share_at(Micros(i64::MAX), Bps(u32::MAX), rate), None);
        assert_eq!(half_up_share_at(Micros(i64::MAX), Bps(20_000), Rate::ONE), None);
    }

    #[test]
    fn a_dong_keeps_its_digits() {
        // 1 000 000 dong at 0.000038947 dollars.
        let (dong, rate) = (Micros(1_000_000_000_000), Rate::from_e12(38_947_000).unwrap());
        assert_eq!(floor_share_at(dong, Bps::WHOLE, rate), Some(Micros(38_947_000)));
    }

    proptest! {
        #[test]
        fn at_one_for_one_the_kernels_shares_are_met(amount in any::<i64>(), share in 0..=20_000_u32) {
            let (amount, share) = (Micros(amount), Bps(share));
            prop_assert_eq!(floor_share_at(amount, share, Rate::ONE), amount.floor_share(share));
            prop_assert_eq!(half_up_share_at(amount, share, Rate::ONE), amount.half_up_share(share));
        }

        #[test]
        fn rounding_moves_less_than_a_micro(
            amount in -1_000_000_000_000_i64..1_000_000_000_000, share in 0..=10_000_u32, parts in 1..1_000_000_000_000_000_i64,
        ) {
            let rate = Rate::from_e12(parts).unwrap();
            let exact = i128::from(amount).saturating_mul(i128::from(parts)).saturating_mul(i128::from(share));
            let whole = i128::from(whole());
            let floor = i128::from(floor_share_at(Micros(amount), Bps(share), rate).unwrap().0).saturating_mul(whole);
            let near = i128::from(half_up_share_at(Micros(amount), Bps(share), rate).unwrap().0).saturating_mul(whole);
            prop_assert!(floor <= exact && exact.saturating_sub(floor) < whole);
            prop_assert!(near.saturating_sub(exact).saturating_mul(2) <= whole);
            prop_assert!(exact.saturating_sub(near).saturating_mul(2) < whole);
        }
    }
}
