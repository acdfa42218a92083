#![doc = include_str!("../README.md")]

mod app;
mod bus;
mod domain;
mod facts;
mod flows;
mod http;
mod settings;
mod store;

pub use app::Tracker;
pub use settings::{ClickSettings, CountrySettings, DoorSettings, OfferSettings, Settings};
pub use store::MIGRATIONS;
