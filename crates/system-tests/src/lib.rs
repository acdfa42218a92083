#![doc = include_str!("../README.md")]

pub mod api;
pub mod canary;
pub mod catalog;
pub mod crowd;
pub mod flood;
pub mod guide;
pub mod inject;
pub mod load;
pub mod lone;
pub mod process;
pub mod publisher;
pub mod raw;
pub mod spy;
pub mod stack;
pub mod truth;

pub use process::{ServiceName, ServiceProcess};
pub use stack::{Endpoints, Stack, StackOptions};
