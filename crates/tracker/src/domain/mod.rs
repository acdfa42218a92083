//! What a click means, without a socket or a table: whether its link is complete, whether the offer takes it, and where
//! the user goes.
#![deny(clippy::arithmetic_side_effects)]

mod destination;
mod live;
mod offer;
mod parameters;

pub use destination::{BrokenLink, destination};
pub use live::{Refusal, judge};
pub use offer::{LiveOffer, OfferStatus};
pub use parameters::ClickParameters;
