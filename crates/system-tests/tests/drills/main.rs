//! Drills: what breaks is broken on purpose, in mid-work, and nothing is lost.
//!
//! They kill services and stop the nodes that all tests share, so they run one at a time and alone (see `.config/nextest.toml`).
//! Each asserts that its fault landed in mid-work, and reads the truth from tables and queues.

mod accepting;
mod broken_wire;
mod broker_alarms;
mod broker_outage;
mod flood;
mod full_disk;
mod importing;
mod killing;
mod killing_payout;
mod people;
mod scene;
mod stopping_nodes;
