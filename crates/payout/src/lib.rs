#![doc = include_str!("../README.md")]

mod app;
mod bus;
pub mod domain;
mod failpoints;
mod flows;
mod http;
mod metrics;
mod settings;
mod store;

pub use app::{Addresses, Payout, migrate, revert, start, verify};
pub use flows::verify_ledger::Findings;
pub use settings::{
    DeliverySettings, HoldSettings, LedgerSettings, LimitSettings, RetentionSettings, SealingSettings,
    Settings,
};
