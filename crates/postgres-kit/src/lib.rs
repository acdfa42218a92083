#![doc = include_str!("../README.md")]

mod connect;
mod error;
mod gauges;
mod kept;
mod lazy_commit;
mod plan_by_index;
mod pool;
mod settings;
mod together;
mod transact;

pub mod dead_items;
pub mod inbox;
pub mod migrate;
pub mod notify;
pub mod outbox;
pub mod replicas;
pub mod sqlstate;
pub mod text;
pub mod tokens;
pub mod wake_ups;

pub use connect::ConnectError;
pub use error::{DbError, Failure};
pub use kept::{Kept, kept};
pub use lazy_commit::not_waited_for;
pub use migrate::{Grants, MigrateError, migrate};
pub use plan_by_index::plan_by_index;
pub use pool::{Pool, PoolError, PoolStatus, PooledConnection, pool};
pub use settings::DatabaseSettings;
pub use together::{Outcomes, all};
pub use transact::{Mode, Retries, Snapshot, Work, transact};
