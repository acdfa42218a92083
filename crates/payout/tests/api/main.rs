//! The service as others meet it: verdicts in over a real broker, facts out, postbacks to a real HTTP server, a real
//! database, the HTTP API.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod bulk;
mod deciding;
mod doors;
mod facts;
mod forgetting;
mod holds;
mod ledger;
mod limits;
mod oddities;
mod openapi;
mod postbacks;
mod reading;
mod retries;
mod stage;
mod successors;
