//! Stories: the guide, played against real processes, a real broker and real databases.

mod budgets;
mod canaries;
mod committed;
mod credential_rotation;
mod guide;
mod hold;
mod ingest_door;
mod ingest_notes;
mod ingest_paste;
mod log_injection;
mod orders;
mod pace;
mod readme;
mod republish;
mod retries;
mod secrets;
mod settings_secrets;
mod signatures;
mod stopping;
mod tracing;
mod tracker_door;
mod transport_limits;
mod versions;
