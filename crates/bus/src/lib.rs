#![doc = include_str!("../README.md")]

mod backoff;
mod consumer;
mod declare;
mod failpoints;
pub mod house;
mod link;
mod metrics;
mod publisher;
mod service_bus;
mod settings;
mod spool;
mod topology;

pub use consumer::{BatchHandler, HandleError};
pub use publisher::{Item, Lane, PublishError, Publisher};
pub use service_bus::{Bus, UnknownQueue};
pub use settings::BusSettings;
pub use spool::SpoolSettings;
pub use topology::{Queue, Route, Topology};
