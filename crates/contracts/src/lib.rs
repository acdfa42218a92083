#![doc = include_str!("../README.md")]

mod fact;
mod generated;
pub mod headers;
pub mod read;
pub mod scopes;

pub use fact::{
    CONTEXT_EXCHANGES, ContractError, FACTS, Fact, ROUTES, Stamp, open, seal, seal_body, seal_encoded,
};
pub use generated::{attribution, catalog, common, envelope, ingest, payout, tracker};

/// The compiled schemas as an encoded `FileDescriptorSet`, for the lock.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
