//! What ingest hears: only which credential generations hold.

mod on_credential_generations;

pub use on_credential_generations::{OnCredentialGenerations, QUEUE, topology};
