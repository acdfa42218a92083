//! What one event is worth.

/// An amount of a currency, in micros. Currencies are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// How much.
    pub micros: i64,
    /// Of which currency.
    pub currency: u8,
}

/// What the advertiser owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revenue {
    /// So many micros.
    Flat(i64),
    /// So many hundredths of a percent of the amount.
    Percent(u32),
}

/// What the publisher earns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payout {
    /// So many micros.
    Flat(i64),
    /// So many hundredths of a percent of the amount.
    Percent(u32),
    /// So many hundredths of a percent of the revenue.
    Share(u32),
}

/// Rates of a tenant into the currency of an event's terms: from which currency, and how much of one unit there one of it is, in parts
/// of 10^12.
pub type Rates = Vec<(u8, i64)>;

/// Terms of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Of flat amounts and of the result.
    pub currency: u8,
    /// What the advertiser owes.
    pub revenue: Revenue,
    /// What the publisher earns.
    pub payout: Payout,
}

/// What a conversion is worth to each side, in the terms' currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    /// The advertiser owes this.
    pub revenue: i64,
    /// The publisher earns this.
    pub payout: i64,
}

/// Nobody owes or earns more for one event, in micros: more is a mistake.
const MOST: i64 = 1_000_000_000_000_000;
/// One part of 10^12.
const RATE_ONE: i128 = 1_000_000_000_000;
/// The whole, in hundredths of a percent.
const WHOLE: i128 = 10_000;

/// Why nobody can say what an event is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// There is no rate for the currency of the amount; one may come.
    NoRate,
    /// There is no amount, or it is more than one event can be worth.
    Otherwise,
}

/// The worth of an event in which `amount` was reported, by the rates of now.
pub(crate) fn price(terms: &Terms, amount: Option<Amount>, rates: &Rates) -> Result<Money, Unknown> {
    let rate = |from: u8| rates.iter().find(|(known, _)| *known == from).map(|(_, rate)| *rate);
    let by_amount =
        matches!(terms.revenue, Revenue::Percent(_)) || matches!(terms.payout, Payout::Percent(_));
    match amount {
        Some(amount) if by_amount && amount.micros > 0 && amount.currency != terms.currency => {
            let rate = rate(amount.currency).ok_or(Unknown::NoRate)?;
            worth(terms, Some(amount), rate).ok_or(Unknown::Otherwise)
        }
        // No rate is needed.
        _ => worth(terms, amount, 0).ok_or(Unknown::Otherwise),
    }
}

/// The same, the rate of the amount's currency being known.
fn worth(terms: &Terms, amount: Option<Amount>, rate: i64) -> Option<Money> {
    let by_amount =
        matches!(terms.revenue, Revenue::Percent(_)) || matches!(terms.payout, Payout::Percent(_));
    // Micros times the rate: what a percentage is taken of.
    let basis = match (by_amount, amount) {
        (false, _) => 0,
        (true, None) => return None,
        (true, Some(amount)) if amount.micros <= 0 => 0,
        (true, Some(amount)) if amount.currency == terms.currency => {
            i128::from(amount.micros).checked_mul(RATE_ONE)?
        }
        (true, Some(amount)) => i128::from(amount.micros).checked_mul(i128::from(rate))?,
    };
    let of_basis = |share: u32| basis.checked_mul(i128::from(share));
    let whole = RATE_ONE.checked_mul(WHOLE)?;
    let revenue = match terms.revenue {
        Revenue::Flat(flat) => i128::from(flat),
        // Half up: the nearest, and of two that are as near the greater.
        Revenue::Percent(share) => {
            let exact = of_basis(share)?;
            let (below, rest) = (exact.checked_div(whole)?, exact.checked_rem(whole)?);
            if rest.checked_mul(2)? >= whole { below.checked_add(1)? } else { below }
        }
    };
    let payout = match terms.payout {
        Payout::Flat(flat) => i128::from(flat),
        Payout::Percent(share) => of_basis(share)?.checked_div(whole)?,
        Payout::Share(share) => revenue.checked_mul(i128::from(share))?.checked_div(WHOLE)?,
    };
    let (revenue, payout) = (i64::try_from(revenue).ok()?, i64::try_from(payout).ok()?);
    (revenue <= MOST && payout <= MOST).then_some(())?;
    Some(Money { revenue, payout })
}
