//! The service as others meet it: facts in over a real broker, facts out, a real database, the HTTP API.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod catalog_changes;
mod facts;
mod journeys;
mod oddities;
mod reading;
mod reconciliation;
mod stage;
mod waiting;
