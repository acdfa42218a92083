//! Statements: what a publisher has earned, or an advertiser owes, by calendar month.
//!
//! | word | meaning |
//! |---|---|
//! | period | a calendar month in the tenant's zone; every transfer belongs to exactly one |
//! | opening, closing | the posted balance of the party's account before and after the period |
//! | due | what this statement asks to be paid: whole minor units of the currency, never below 0 |
//! | carried | what is left for the next statement: less than a minor unit, or a debt |
//!
//! Over any number of periods the sum of what was due and what is carried last is the exact sum of all movements.

mod due;
mod period;
mod statement;

pub use due::{Due, floor_to_minor, minor_digits};
pub use period::{Month, Period, day_at, day_begins_at, next_period};
pub use statement::{
    Before, Movements, Statement, StatementId, adjustment_id, draw, is_of_party, payment_id, statement_id,
};
