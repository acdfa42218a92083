#![doc = include_str!("../README.md")]

pub mod failure;
mod sink;

pub use sink::BusSink;
