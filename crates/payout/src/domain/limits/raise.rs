//! Raising budgets in the call that decides on a conversion. The catalog owns budgets: what was raised here counts at once, and
//! until the catalog's word on the offer has it, too. From then on only that word counts, also when somebody lowers it.
//!
//! Each budget remembers its last raise alone, for it is higher than the one before. A word of the catalog names the last raise
//! that it has, so one that was on its way when the raise was made takes nothing away, and no order of words does.

use std::fmt;

use kernel::{Micros, Timestamp};

use super::{bounds::Bounds, period::Period};

/// An offer's budgets, or new bounds for them, in its currency; `None`: there is no such budget, or it is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budgets {
    /// Revenue of all time.
    pub total: Option<Micros>,
    /// Revenue of a day.
    pub daily: Option<Micros>,
}

/// The last raise of one budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Raised {
    /// Its number among the offer's raises, which grow and have gaps; 0: there was none.
    pub number: u64,
    /// The bound, until the catalog has it.
    pub bound: Option<Micros>,
}

/// The last raises of an offer's budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Raises {
    /// Of the total budget.
    pub total: Raised,
    /// Of the daily one.
    pub daily: Raised,
}

/// Which raises the catalog's word on an offer has: the number of the last one of each budget, 0 for none. Later words have the
/// same or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Heard {
    /// In its total budget.
    pub total: u64,
    /// In its daily one.
    pub daily: u64,
}

/// Why a budget can not be raised to what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRaised {
    /// The offer does not have it: nothing bounds it.
    NoBudget,
    /// It is that high already, or higher.
    NotHigher {
        /// What it is now.
        present: Micros,
    },
    /// A day's budget above that of all time bounds nothing.
    AboveTotal {
        /// The total budget, as it would be.
        total: Micros,
    },
}

impl Budgets {
    /// Names the bound of one of them.
    #[must_use]
    pub const fn with(self, period: Period, bound: Micros) -> Self {
        match period {
            Period::AllTime => Self { total: Some(bound), ..self },
            Period::Day => Self { daily: Some(bound), ..self },
            // There are no budgets of a week or a month.
            Period::Week | Period::Month => self,
        }
    }

    /// Those that are named, each with the period it is for.
    pub fn named(self) -> impl Iterator<Item = (Period, Micros)> {
        let total = self.total.map(|bound| (Period::AllTime, bound));
        total.into_iter().chain(self.daily.map(|bound| (Period::Day, bound)))
    }
}

impl Raised {
    const fn heard(self, number: u64) -> Self {
        if number < self.number { self } else { Self { number, bound: None } }
    }

    /// What counts when the catalog says `said`. Where nothing is bounded any more there is nothing to raise.
    fn over(self, said: Option<Micros>) -> Option<Micros> {
        said.map(|said| self.bound.map_or(said, |bound| bound.max(said)))
    }
}

impl Raises {
    /// After a raise to the bounds of `to`.
    #[must_use]
    pub fn raised(self, number: u64, to: Budgets) -> Self {
        let after = |before: Raised, bound: Option<Micros>| {
            bound.map_or(before, |bound| Raised { number, bound: Some(bound) })
        };
        Self { total: after(self.total, to.total), daily: after(self.daily, to.daily) }
    }

    /// After a word of the catalog, the newest or an older one.
    #[must_use]
    pub const fn heard(self, heard: Heard) -> Self {
        Self { total: self.total.heard(heard.total), daily: self.daily.heard(heard.daily) }
    }

    /// Of the budget of a period.
    #[must_use]
    pub const fn of(self, period: Period) -> Raised {
        match period {
            Period::Day => self.daily,
            Period::Week | Period::Month | Period::AllTime => self.total,
        }
    }

    /// The number of a raise that is made at `now`. No lower than the clock's microseconds, so that a payout that lost its copy
    /// of the offer, and its numbers with it, is believed by a catalog that did not.
    #[must_use]
    pub fn next_number(self, now: Timestamp) -> u64 {
        let last = self.total.number.max(self.daily.number);
        last.saturating_add(1).max(u64::try_from(now.as_micros()).unwrap_or_default())
    }
}

impl Bounds {
    /// What counts: the catalog's word, and what was raised since.
    #[must_use]
    pub fn raised(&self, raises: &Raises) -> Self {
        Self { total: raises.total.over(self.total), daily: raises.daily.over(self.daily), ..self.clone() }
    }

    /// What is wrong with raising these budgets to the bounds of `to`; nothing when they may be.
    #[must_use]
    pub fn why_not_raised(&self, to: Budgets) -> Vec<(Period, NotRaised)> {
        let not_higher = |present: Option<Micros>, bound: Micros| match present {
            None => Some(NotRaised::NoBudget),
            Some(present) => (bound <= present).then_some(NotRaised::NotHigher { present }),
        };
        let above = |total: Option<Micros>, bound: Micros| {
            total.filter(|total| bound > *total).map(|total| NotRaised::AboveTotal { total })
        };
        let why_not = |(period, bound)| {
            let why_not = match period {
                Period::Day => {
                    not_higher(self.daily, bound).or_else(|| above(to.total.max(self.total), bound))
                }
                Period::Week | Period::Month | Period::AllTime => not_higher(self.total, bound),
            };
            Some((period, why_not?))
        };
        to.named().filter_map(why_not).collect()
    }
}

impl fmt::Display for NotRaised {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBudget => {
                write!(out, "the offer has no such budget, so nothing is to be raised: leave it out")
            }
            Self::NotHigher { present } => {
                write!(
                    out,
                    "must be above {present}, which it is now; to lower it, save the offer in the catalog"
                )
            }
            Self::AboveTotal { total } => {
                write!(out, "must not be above the total budget of {total}: raise that, too")
            }
        }
    }
}
