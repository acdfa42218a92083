#![doc = include_str!("../README.md")]

mod allocator;
mod command_line;
mod lifecycle;
mod readiness;
mod runtime;
mod service;
mod settings;
mod stop_signal;
mod supervisor;
mod system;

pub use command_line::main;
pub use readiness::{Condition, Readiness};
pub use runtime::Runtime;
pub use service::{NoCommand, ProcessSettings, Service};
pub use settings::StopSettings;
pub use supervisor::{StillRunning, Supervisor};
pub use system::{SystemClock, SystemIds};
