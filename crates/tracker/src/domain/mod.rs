//! What a click means, without a socket or a table: whether its link is complete, whether the offer takes it, and where
//! the user goes.
#![deny(clippy::arithmetic_side_effects)]

mod destination;
mod live;
mod offer;
mod parameters;
#[cfg(test)]
mod samples;

pub use destination::{BrokenLink, Destination, Parts, plain_link};
pub use live::{Refusal, judge};
pub use offer::{LiveOffer, OfferStatus};
pub use parameters::{ClickParameters, Gender};
#[cfg(test)]
pub use samples::sample_offer;
