//! Whether an offer's budget lets clicks through: open while what is left pays for the smallest flat revenue.

use kernel::{Micros, Timestamp};

use super::{bounds::Bounds, period::Period};

/// The state that the tracker and the catalog follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BudgetState {
    /// Clicks can be paid.
    #[default]
    Open,
    /// Too little is left of the total budget: until it is raised or money comes back.
    Spent,
    /// Too little is left of today's budget only.
    SpentUntil(Timestamp),
}

/// What is left of an offer's budgets; negative where a budget was lowered below what it had paid for already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Of the total budget; `None` when there is none.
    pub total: Option<Micros>,
    /// Of today's; `None` when there is none.
    pub today: Option<Micros>,
    /// What follows from it.
    pub state: BudgetState,
}

/// What is left at `now`, after `spent` of all time and `spent_today`.
#[must_use]
pub fn left(bounds: &Bounds, spent: Micros, spent_today: Micros, now: Timestamp) -> Left {
    let of =
        |bound: Option<Micros>, spent: Micros| bound.map(|bound| Micros(bound.0.saturating_sub(spent.0)));
    let (total, today) = (of(bounds.total, spent), of(bounds.daily, spent_today));
    let is_enough = |left: Option<Micros>| left.is_none_or(|left| left >= bounds.least);
    let state = match (is_enough(total), is_enough(today), Period::Day.ends(now)) {
        (true, true, _) => BudgetState::Open,
        (true, false, Some(midnight)) => BudgetState::SpentUntil(midnight),
        (false, _, _) | (true, false, None) => BudgetState::Spent,
    };
    Left { total, today, state }
}
