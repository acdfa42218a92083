#![doc = include_str!("../README.md")]
#![deny(clippy::arithmetic_side_effects)]

mod price;
mod rate;
mod review;
mod terms;

pub use price::{Breakdown, Priced, Reported, WORTH_MAX, price};
pub use rate::{AppliedRate, Rate};
pub use review::Review;
pub use terms::{Payout, Revenue, Terms};
