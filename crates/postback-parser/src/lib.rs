#![doc = include_str!("../README.md")]
#![deny(clippy::arithmetic_side_effects)]

mod absent;
mod amount;
mod escape;
mod field;
mod json;
mod note;
mod pairs;
mod postback;
mod request;
pub mod scrub;
mod text;
mod time;

pub use absent::looks_absent;
pub use field::Field;
pub use note::Note;
pub use postback::{ClickReference, EventReference, EventSource, Postback};
pub use request::{MAX_INPUT_BYTES, MAX_PARAMETERS, Request};
