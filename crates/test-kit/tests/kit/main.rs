//! The harness is itself tested: a fake that lies makes every other test worthless.

mod broker;
mod database;
mod eventually;
mod fakes;
mod fault_proxy;
mod openapi;

use std::time::Duration;

/// Long enough for a machine that compiles something else meanwhile.
const SOON: Duration = Duration::from_secs(20);
