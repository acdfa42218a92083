#![doc = include_str!("../README.md")]

mod app;
mod http;
mod services;
mod sessions;
mod settings;

pub use app::{Console, start};
pub use settings::{ServicesSettings, SessionSettings, Settings};
