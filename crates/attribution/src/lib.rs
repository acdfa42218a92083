#![doc = include_str!("../README.md")]

mod app;
mod bus;
pub mod domain;
mod facts;
mod flows;
mod http;
mod settings;
mod store;

pub use app::{Attribution, Command};
pub use settings::{AlarmSettings, ClickSettings, JudgingSettings, RetentionSettings, Settings};
pub use store::MIGRATIONS;
