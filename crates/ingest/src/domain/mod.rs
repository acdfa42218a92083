//! What ingest decides by itself: whose call it is, whether that credential generation still
//! holds, and what people should know about those who call. Nothing here looks
//! into what AppsFlyer said; that is attribution's.
// Tests build their cases with plain arithmetic; the rules themselves are always checked.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod address;
mod app_id;
mod caller_ranges;
mod credential_parameters;
mod generations;
mod refusal_burst;
mod uses;

pub use address::{Address, BaseDomain};
pub use app_id::app_id;
pub use caller_ranges::{CallerRanges, Origin};
pub use credential_parameters::CredentialParameters;
pub use generations::Generations;
pub use refusal_burst::{BurstChange, BurstRule, BurstWatch};
pub use uses::{Used, Uses};
