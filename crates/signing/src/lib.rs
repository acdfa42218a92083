#![doc = include_str!("../README.md")]
#![deny(clippy::arithmetic_side_effects)]

pub mod click;
pub mod credential;
mod keyring;
mod mac;
mod normalise;
pub mod seal;
pub mod token;
pub mod webhook;

pub use keyring::{Keyring, KeyringError};
