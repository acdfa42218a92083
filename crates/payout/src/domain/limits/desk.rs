//! The desk at which conversions are counted: what a transaction has locked, and what it adds.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use kernel::{Currency, Micros, Money, OfferId, TenantId, Timestamp};
use terms::Rate;

use super::{
    bounds::{Bounds, CapOf, OverLimit},
    limit::Limit,
    period::Period,
    raise::Budgets,
    usage::{Counter, Delta, Usage, counters},
};
use crate::domain::conversion::Subject;

/// Names an offer.
pub type OfferKey = (TenantId, OfferId);

/// What one unit of the first currency is worth in the second.
pub type RateOf<'a> = &'a dyn Fn(Currency, Currency) -> Option<Rate>;

/// What a conversion was counted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taking {
    /// When: the periods it was counted in are those of this moment, for ever.
    pub at: Timestamp,
    /// How much revenue, in the currency of the budget.
    pub amount: Money,
}

/// The limit that has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// As many as the cap allows were counted.
    Cap {
        /// Whose.
        of: CapOf,
        /// In which period.
        period: Period,
        /// How many it allows.
        bound: u64,
    },
    /// Less is left of a budget than the conversion is worth.
    Budget {
        /// The day's or that of all time.
        period: Period,
        /// What is left; 0 when it is overdrawn.
        left: Money,
        /// What is missing.
        short: Micros,
        /// The least bounds that have room for it, of each budget that has none.
        enough: Budgets,
    },
    /// The conversion's revenue is in another currency than the budget, and the tenant has no rate for it.
    NoRate {
        /// The revenue's.
        from: Currency,
        /// The budget's.
        to: Currency,
    },
}

/// What the desk says to a conversion that wants to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is counted.
    Counted(Taking),
    /// The offer's limits are not known here yet.
    Unknown,
    /// It is not.
    Over(Over),
}

/// Bounds and counters, and what was added to them.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    offers: HashMap<OfferKey, Bounds>,
    usage: Usage,
    added: BTreeMap<(Counter, Currency), Delta>,
}

/// Whether room is asked for in caps as well, or only for more revenue of what is counted already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Anew,
    More { than: Micros },
}

impl Desk {
    /// A desk with what was loaded.
    #[must_use]
    pub fn new(offers: HashMap<OfferKey, Bounds>, usage: Usage) -> Self {
        Self { offers, usage, added: BTreeMap::new() }
    }

    /// What is to become of a conversion of this offer that a limit has no room for.
    #[must_use]
    pub fn action(&self, subject: &Subject) -> OverLimit {
        self.offers.get(&(subject.tenant, subject.offer)).map(|bounds| bounds.action).unwrap_or_default()
    }

    /// Counts a conversion worth `revenue`, when every limit has room for it.
    #[must_use]
    pub fn take(&mut self, subject: &Subject, revenue: Money, rate: RateOf<'_>, now: Timestamp) -> Answer {
        self.ask(subject, revenue, rate, now, Asked::Anew)
    }

    /// Counts a conversion with another revenue, in the periods it was counted in. When there is no room for it, it is not
    /// counted at all any more.
    #[must_use]
    pub fn retake(&mut self, subject: &Subject, taken: Taking, revenue: Money, rate: RateOf<'_>) -> Answer {
        self.give_back(subject, taken);
        self.ask(subject, revenue, rate, taken.at, Asked::More { than: taken.amount.amount })
    }

    /// Gives back what a conversion was counted with, where it was counted.
    pub fn give_back(&mut self, subject: &Subject, taken: Taking) {
        let delta = Delta { conversions: -1, revenue: taken.amount.amount.0.saturating_neg() };
        self.add(subject, taken, delta);
    }

    /// What was counted until now, what this desk added included.
    #[must_use]
    pub const fn usage(&self) -> &Usage {
        &self.usage
    }

    /// The offers whose bounds are known.
    pub fn offers(&self) -> impl Iterator<Item = (&OfferKey, &Bounds)> {
        self.offers.iter()
    }

    /// What was added, in the order of the counters; what was given back again is not in it.
    pub fn added(&self) -> impl Iterator<Item = (Counter, Currency, Delta)> {
        let added = self.added.iter().filter(|(_, delta)| **delta != Delta::default());
        added.map(|((counter, currency), delta)| (*counter, *currency, *delta))
    }

    fn ask(
        &mut self,
        subject: &Subject,
        revenue: Money,
        rate: RateOf<'_>,
        at: Timestamp,
        asked: Asked,
    ) -> Answer {
        let Some(bounds) = self.offers.get(&(subject.tenant, subject.offer)) else { return Answer::Unknown };
        let Some(amount) = worth(revenue, bounds.currency, rate) else {
            return Answer::Over(Over::NoRate { from: revenue.currency, to: bounds.currency });
        };
        let is_more = match asked {
            Asked::Anew => amount.0 > 0,
            Asked::More { than } => amount > than,
        };
        let over = match asked {
            Asked::Anew => self.full_cap(bounds, subject, at),
            // A cap that was lowered meanwhile un-takes nothing.
            Asked::More { .. } => None,
        };
        let over = over.or_else(|| self.short_budget(bounds, subject, amount, at).filter(|_| is_more));
        if let Some(over) = over {
            return Answer::Over(over);
        }
        let taken = Taking { at, amount: Money::new(amount, bounds.currency) };
        self.add(subject, taken, Delta { conversions: 1, revenue: amount.0 });
        Answer::Counted(taken)
    }

    fn full_cap(&self, bounds: &Bounds, subject: &Subject, at: Timestamp) -> Option<Over> {
        bounds.caps.iter().filter(|cap| cap.of.counts(subject.offer_event)).find_map(|cap| {
            let counted = self.usage.conversions(&Counter::of_cap(subject, cap.of, cap.period, at));
            let is_full = u64::try_from(counted).unwrap_or(0) >= cap.bound;
            is_full.then_some(Over::Cap { of: cap.of, period: cap.period, bound: cap.bound })
        })
    }

    fn short_budget(
        &self,
        bounds: &Bounds,
        subject: &Subject,
        amount: Micros,
        at: Timestamp,
    ) -> Option<Over> {
        let mut first = None;
        let mut enough = Budgets::default();
        for (period, bound) in bounds.budgets() {
            let counter = Counter::of_offer(subject.tenant, subject.offer, period, at);
            let spent = self.usage.revenue(&counter, bounds.currency);
            let left = bound.0.saturating_sub(spent.0).max(0);
            let short = amount.0.saturating_sub(left);
            if short > 0 {
                enough = enough.with(period, Micros(spent.0.saturating_add(amount.0)));
                first.get_or_insert((period, left, short));
            }
        }
        let (period, left, short) = first?;
        let left = Money::new(Micros(left), bounds.currency);
        Some(Over::Budget { period, left, short: Micros(short), enough })
    }

    fn add(&mut self, subject: &Subject, taken: Taking, delta: Delta) {
        for counter in counters(subject, taken.at) {
            let currency = taken.amount.currency;
            self.usage.add(counter, currency, delta);
            let added = self.added.entry((counter, currency)).or_default();
            added.conversions = added.conversions.saturating_add(delta.conversions);
            added.revenue = added.revenue.saturating_add(delta.revenue);
        }
    }
}

/// Revenue in the budget's currency, rounded up to the micro: a budget is never exceeded by rounding.
fn worth(revenue: Money, currency: Currency, rate: RateOf<'_>) -> Option<Micros> {
    if revenue.currency == currency {
        return Some(revenue.amount);
    }
    let parts = i128::from(rate(revenue.currency, currency)?.e12());
    let product = i128::from(revenue.amount.0).checked_mul(parts)?;
    let whole = i128::from(Rate::ONE.e12());
    let up = product.checked_add(whole.checked_sub(1)?)?.checked_div_euclid(whole)?;
    i64::try_from(up).ok().map(Micros)
}

impl Over {
    /// The end of its code: `CAP` or `BUDGET`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.limit() {
            Some(limit) => limit.kind(),
            None => "BUDGET",
        }
    }

    /// Which limit it is; `None` when nobody knows whether it has room.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        match *self {
            Self::Cap { of: CapOf::Offer, period, .. } => Some(Limit::OfferCap(period)),
            Self::Cap { of: CapOf::Event(_), period, .. } => Some(Limit::EventCap(period)),
            Self::Cap { of: CapOf::EventByPublisher(_), period, .. } => Some(Limit::PublisherCap(period)),
            Self::Budget { period, .. } => Some(Limit::Budget(period)),
            Self::NoRate { .. } => None,
        }
    }

    /// What is missing, for the tenant's own people; publishers are told the sentence without amounts.
    #[must_use]
    pub fn shortfall(&self) -> Option<String> {
        match self {
            Self::Budget { left, short, .. } => {
                Some(format!("{left} is left, {} is missing", Money::new(*short, left.currency)))
            }
            Self::Cap { bound, .. } => Some(format!("all {bound} are counted")),
            Self::NoRate { .. } => None,
        }
    }
}

/// The sentence that publishers read too: it names no amount.
impl fmt::Display for Over {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cap { .. } | Self::Budget { .. } => self.limit().map_or(Ok(()), |limit| limit.fmt(out)),
            Self::NoRate { from, to } => {
                write!(out, "the budget is in {to} and the revenue in {from}: set a rate from {from} to {to}")
            }
        }
    }
}
