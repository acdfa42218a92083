//! What people read: lines while it runs, a table at the end, and whether every event was found again.

mod account;
mod comparison;
mod limit;
mod numbers;
mod progress;
mod sample;
mod single_calls;
mod table;

pub use account::Account;
pub use comparison::{Aim, Comparison};
pub use limit::limit;
pub use numbers::{fine_milliseconds, grouped, megabytes, milliseconds, percent};
pub use progress::Progress;
pub use sample::{Contestant, Sample};
pub use single_calls::SingleCalls;
pub use table::{Row, Verdict, table};
