//! Status and money of a conversion by `SEMANTICS` §5, written a second time from their definition: see the README.

mod conversion;
mod orders;
mod price;

pub use conversion::{Books, Conversion, Decision, Status, Step, Verdict, Word};
pub use orders::ends;
pub use price::{Amount, Money, Payout, Rates, Revenue, Terms};
