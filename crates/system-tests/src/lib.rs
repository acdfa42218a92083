#![doc = include_str!("../README.md")]

pub mod lone;
pub mod process;
pub mod stack;

pub use process::{ServiceName, ServiceProcess};
pub use stack::{Endpoints, Stack, StackOptions};
