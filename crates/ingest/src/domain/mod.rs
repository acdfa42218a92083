//! What ingest decides by itself: whose call it is, and whether that credential generation still holds. Nothing here looks
//! into what AppsFlyer said; that is attribution's.
#![deny(clippy::arithmetic_side_effects)]

mod address;
mod credential_parameters;
mod generations;

pub use address::{Address, BaseDomain};
pub use credential_parameters::CredentialParameters;
pub use generations::Generations;
