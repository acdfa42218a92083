//! The decision: what one event is worth to each side.

use kernel::{Currency, Micros, Money};

use crate::{
    rate::{AppliedRate, Rate, floor_share_at, half_up_share_at},
    review::Review,
    terms::{Payout, Revenue, Terms},
};

/// The most that one event can be worth to either side, in micros: a billion. Above it somebody has made a mistake, in any
/// currency; and sums over events are kept in 64 bits, which hold nine thousand of these.
pub const WORTH_MAX: Micros = Micros(1_000_000_000_000_000);

/// What AppsFlyer said the user spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reported {
    /// In the currency the postback named.
    pub amount: Option<Money>,
    /// In US dollars; only looked at when there is no `amount`.
    pub usd: Option<Micros>,
}

impl Reported {
    /// The amount that counts.
    #[must_use]
    pub fn money(&self) -> Option<Money> {
        self.amount.or_else(|| self.usd.map(|usd| Money::new(usd, Currency::USD)))
    }
}

/// What an event is worth to each side, in the terms' currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breakdown {
    /// Currency of all three.
    pub currency: Currency,
    /// The advertiser owes this.
    pub revenue: Micros,
    /// The publisher earns this.
    pub payout: Micros,
    /// What stays: `revenue - payout`; below 0 only under [`Review::PayoutAboveRevenue`].
    pub margin: Micros,
    /// Points the publisher's user sees.
    pub reward_points: i64,
    /// The rate that was used, when an amount was converted.
    pub rate: Option<AppliedRate>,
}

/// An event with its money, or the reason why a person must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priced {
    /// Priced by rule alone.
    Money(Breakdown),
    /// A person must look. The breakdown is there when the money is known all the same.
    Review {
        /// Why.
        cause: Review,
        /// What it would be worth.
        breakdown: Option<Breakdown>,
    },
}

impl Priced {
    /// The money, also when it waits for a person.
    #[must_use]
    pub const fn breakdown(&self) -> Option<Breakdown> {
        match self {
            Self::Money(breakdown) => Some(*breakdown),
            Self::Review { breakdown, .. } => *breakdown,
        }
    }
}

/// Prices one event. `rate` gives the tenant's rate from one currency to another; it is asked only when an amount is
/// needed and its currency is not the terms'.
#[must_use]
pub fn price(
    terms: &Terms,
    reported: &Reported,
    rate: impl FnOnce(Currency, Currency) -> Option<Rate>,
) -> Priced {
    match breakdown(terms, reported, rate) {
        Ok(breakdown) if breakdown.margin.0 < 0 => Priced::Review {
            cause: Review::PayoutAboveRevenue {
                revenue: Money::new(breakdown.revenue, breakdown.currency),
                payout: Money::new(breakdown.payout, breakdown.currency),
            },
            breakdown: Some(breakdown),
        },
        Ok(breakdown) => Priced::Money(breakdown),
        Err(cause) => Priced::Review { cause, breakdown: None },
    }
}

/// The amount of percent terms, at least 0, and the rate into their currency.
struct Basis {
    amount: Micros,
    rate: Rate,
    applied: Option<AppliedRate>,
}

fn breakdown(
    terms: &Terms,
    reported: &Reported,
    rate: impl FnOnce(Currency, Currency) -> Option<Rate>,
) -> Result<Breakdown, Review> {
    let basis = if terms.need_an_amount() {
        basis(terms.currency, reported, rate)?
    } else {
        Basis { amount: Micros::ZERO, rate: Rate::ONE, applied: None }
    };
    let revenue = match terms.revenue {
        Revenue::Flat(flat) => flat,
        Revenue::PercentOfAmount(share) => {
            half_up_share_at(basis.amount, share, basis.rate).ok_or(Review::TooLarge)?
        }
    };
    let payout = match terms.payout {
        Payout::Flat(flat) => flat,
        Payout::PercentOfAmount(share) => {
            floor_share_at(basis.amount, share, basis.rate).ok_or(Review::TooLarge)?
        }
        Payout::ShareOfRevenue(share) => revenue.floor_share(share).ok_or(Review::TooLarge)?,
    };
    if revenue > WORTH_MAX || payout > WORTH_MAX {
        return Err(Review::TooLarge);
    }
    Ok(Breakdown {
        currency: terms.currency,
        revenue,
        payout,
        margin: revenue.checked_sub(payout).ok_or(Review::TooLarge)?,
        reward_points: terms.reward_points,
        rate: basis.applied,
    })
}

fn basis(
    to: Currency,
    reported: &Reported,
    rate: impl FnOnce(Currency, Currency) -> Option<Rate>,
) -> Result<Basis, Review> {
    let Money { amount, currency: from } = reported.money().ok_or(Review::NoAmount)?;
    // A percent of nothing needs no rate, and a refund's negative amount pays nothing.
    if amount.0 <= 0 {
        return Ok(Basis { amount: Micros::ZERO, rate: Rate::ONE, applied: None });
    }
    if from == to {
        return Ok(Basis { amount, rate: Rate::ONE, applied: None });
    }
    let rate = rate(from, to).ok_or(Review::NoRate { from, to })?;
    Ok(Basis { amount, rate, applied: Some(AppliedRate { from, to, rate }) })
}

#[cfg(test)]
mod tests;
