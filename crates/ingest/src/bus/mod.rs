//! What ingest hears, which is only which credential generations hold, and what it tells beside the postbacks.

mod on_credential_generations;
mod tell_uses;

pub use on_credential_generations::{OnCredentialGenerations, QUEUE, topology};
pub use tell_uses::UseTeller;
