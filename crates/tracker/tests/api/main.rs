//! The service as others meet it: facts in and out over a real broker, a real database, users over HTTP.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod clicks;
mod cold_start;
mod countries;
mod double_taps;
mod facts;
mod injection;
mod looks;
mod openapi;
mod refusals;
mod stage;
mod targeting;
