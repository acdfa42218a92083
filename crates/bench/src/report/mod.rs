//! What people read: lines while it runs, a table at the end, and whether every event was found again.

mod account;
mod comparison;
mod limit;
mod numbers;
mod progress;
mod sample;
mod table;

pub use account::Account;
pub use comparison::{Aim, Comparison};
pub use limit::limit;
pub use numbers::{grouped, milliseconds, percent};
pub use progress::Progress;
pub use sample::{Contestant, Sample};
pub use table::{Row, Verdict, table};
