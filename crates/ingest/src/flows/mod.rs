//! The one thing ingest does for AppsFlyer, and the one thing it learns from the catalog.

mod generation_set;
mod receive;

pub use generation_set::{GenerationSet, SetError};
pub use receive::{Call, ReceiveError, Receiver};
