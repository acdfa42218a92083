#![doc = include_str!("../README.md")]

mod deserialize;
mod environment;
mod error;
mod fault;
mod layers;
mod load;
mod problems;

pub use error::SettingsError;
pub use load::{DEFAULTS_ORIGIN, Loaded, Source, load, load_from};
pub use problems::{Problem, Problems, Validate};
