//! What a click means, without a socket or a table: whether its link is complete, whether the offer takes it, and where
//! the user goes.
#![deny(clippy::arithmetic_side_effects)]

mod budget;
mod country;
mod destination;
mod device;
mod glance;
mod live;
mod offer;
mod parameters;
#[cfg(test)]
mod samples;
mod taps;
mod targeting;

pub use budget::Budget;
pub use country::{Countries, Country};
pub use destination::{BrokenLink, Destination, Parts, Slot, plain_link};
pub use device::Device;
pub use glance::{is_ahead, is_looker};
pub use live::{Refusal, judge, open};
pub use offer::{LiveOffer, OfferStatus};
pub use parameters::{ClickParameters, Gender, Incomplete, WrongParameter};
#[cfg(test)]
pub use samples::sample_offer;
pub use taps::{TapKey, Taps};
pub use targeting::{Ages, Genders, Platform, Platforms, Targeting, User};
