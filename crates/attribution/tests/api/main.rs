//! The service as others meet it: facts in over a real broker, facts out, a real database, the HTTP API.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod alarms;
mod catalog_changes;
mod doors;
mod erasure;
mod facts;
mod journeys;
mod live;
mod members;
mod oddities;
mod openapi;
mod people;
mod quarantine;
mod reading;
mod reconciliation;
mod replaying;
mod retention;
mod rollups;
mod searching;
mod simulating;
mod stage;
mod waiting;
