//! The one thing ingest does for AppsFlyer, the one thing it learns from the catalog, and what it notes for people.

mod callers;
mod generation_set;
mod receive;
mod refusals;
mod used_credentials;

pub use callers::Callers;
pub use generation_set::{GenerationSet, SetError};
pub use receive::{Call, ReceiveError, Receiver};
pub use refusals::Refusals;
pub use used_credentials::UsedCredentials;
