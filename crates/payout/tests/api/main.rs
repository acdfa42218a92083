//! The service as others meet it: verdicts in over a real broker, facts out, postbacks to a real HTTP server, a real
//! database, the HTTP API.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod breaker;
mod bulk;
mod bulk_turns;
mod deciding;
mod decision_table;
mod delivery_log;
mod doors;
mod evil;
mod exposure;
mod facts;
mod fair_holds;
mod forgetting;
mod frozen;
mod health;
mod holds;
mod lagging;
mod ledger;
mod limits;
mod moving;
mod numbers;
mod oddities;
mod openapi;
mod oracle;
mod pausing;
mod period_zones;
mod postbacks;
mod raising;
mod rates;
mod reading;
mod replaying;
mod retention;
mod retries;
mod reviewing;
mod rotation;
mod send_test;
mod stage;
mod statement_races;
mod statement_texts;
mod statements;
mod successors;
mod timeline;
mod unrecorded;
mod vetoed_when_due;
mod waiting_for_offers;
