//! The catalog's side of the broker: it only speaks.

mod generations;
mod sink;

pub use self::{generations::broadcast_generations, sink::BusSink};
