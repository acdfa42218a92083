//! Caps and budgets: what may still be counted, what was, and whether an offer's budget lets clicks through.
//!
//! | word | meaning |
//! |---|---|
//! | bounds | what the newest version of an offer allows |
//! | counter | how many conversions, and how much revenue, were counted of one offer, event or publisher in one period |
//! | taking | what one conversion was counted with, and when: by that it is given back, exactly once |
//! | raise | a budget's higher bound that a person named while deciding; it counts here until the catalog says it too |
//! | desk | the bounds and counters that a transaction has locked, and what it adds to them |
//!
//! Everything is counted always, whether it is bounded or not: a cap that is set at noon knows the morning. Periods are those
//! of the moment at which a conversion is counted, by the database's clock, so the counter that a conversion took from and
//! the day on which clicks stop are the same.
//!
//! First committed wins: the counters of an offer are read and written under a lock of the offer, in the transaction that
//! accepts the conversion.

mod bounds;
mod budget;
mod desk;
mod limit;
mod period;
mod raise;
mod usage;

pub use bounds::{Bounds, Cap, CapOf, OverLimit};
pub use budget::{BudgetState, Left, left};
pub use desk::{Answer, Desk, OfferKey, Over, RateOf, Taking};
pub use limit::Limit;
pub use period::Period;
pub use raise::{Budgets, Heard, NotRaised, Raised, Raises};
pub use usage::{Count, Counter, Delta, Usage, counters};

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "sums of a test, far from any end")]
mod tests;
