#![doc = include_str!("../README.md")]
#![deny(clippy::arithmetic_side_effects)]

pub mod click;
pub mod credential;
mod keyring;
mod mac;
mod normalise;
pub mod person;
pub mod seal;
#[cfg(test)]
mod structure;
pub mod token;
pub mod webhook;

pub use keyring::{Keyring, KeyringError};
use subtle::ConstantTimeEq as _;

/// Whether two secret texts are the same, in time that does not depend on where they differ. For what neither a credential
/// nor a token is, such as a form's number: everything secret is compared in this crate.
#[must_use]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}
