//! The service as others meet it: verdicts in over a real broker, facts out, postbacks to a real HTTP server, a real
//! database, the HTTP API.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod deciding;
mod doors;
mod evil;
mod facts;
mod forgetting;
mod frozen;
mod holds;
mod ledger;
mod limits;
mod oddities;
mod openapi;
mod oracle;
mod postbacks;
mod reading;
mod retries;
mod rotation;
mod stage;
mod timeline;
