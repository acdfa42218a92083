//! The catalog's side of the broker: it speaks, and hears of nothing but its credentials' use.

mod failure;
mod generations;
mod on_credential_used;
mod sink;

pub use self::{generations::broadcast_generations, on_credential_used::OnCredentialUsed, sink::BusSink};
