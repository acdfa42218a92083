#![doc = include_str!("../README.md")]

mod app;
mod bus;
mod domain;
mod flows;
mod http;
mod settings;

pub use app::Ingest;
pub use settings::{CredentialSettings, DoorSettings, RefusalSettings, Settings};
