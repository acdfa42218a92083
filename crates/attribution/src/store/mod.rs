//! Attribution's tables. Hand-written, set-based SQL: one statement does for a whole batch what a loop would do in
//! hundreds of round trips, and its text is constant, so that the connection keeps its plan.

pub mod alarms;
pub mod catalog;
pub mod conversions;
pub mod decisions;
pub mod erasures;
pub mod first_steps;
pub mod journeys;
pub mod live;
mod moment;
pub mod parked;
pub mod partitions;
pub mod payout;
pub mod payout_stories;
pub mod postback_list;
pub mod postbacks;
pub mod quarantine;
pub mod reconciliations;
pub mod rejudgements;
pub mod replays;
pub mod rollups;
pub mod stories;

use std::fmt;

use diesel::{QueryResult, result::Error, sql_query, sql_types::BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use kernel::{ClickId, TenantId};
use postgres_kit::{DbError, kept};

/// The tables, in order.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// A journey's name.
pub type JourneyKey = (TenantId, ClickId);

/// A journey's name for people.
pub(crate) fn named((tenant, click): JourneyKey) -> impl fmt::Display {
    format!("tenant {tenant}, click {click}")
}

/// Held shared while journeys are judged and alone while the catalog changes: a batch that has read the versions of an
/// offer commits before a newer version does, so whoever then looks for journeys to judge again sees what it wrote.
const CATALOG_LOCK: i64 = 0x0067_6b61_7474_7200;

/// Enters a transaction that judges: the catalog stands still until it ends. Taken before any journey is locked.
///
/// Also keeps the planner from reading whole tables: statements are planned once for each connection, perhaps while a
/// table is nearly empty, and then run for as long as the connection lives. Everything here goes from a few keys through
/// an index, whatever the size of the table.
///
/// # Errors
/// The database's.
pub async fn hold_catalog(mut connection: &AsyncPgConnection) -> QueryResult<()> {
    let lock = sql_query(
        "SELECT pg_advisory_xact_lock_shared($1), set_config('enable_seqscan', 'off', true),
            set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)",
    )
    .bind::<BigInt, _>(CATALOG_LOCK);
    kept(lock).execute(&mut connection).await.map(drop)
}

/// Enters a transaction that changes the catalog: nobody judges until it ends.
///
/// # Errors
/// The database's.
pub async fn change_catalog(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    let lock = sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(CATALOG_LOCK);
    kept(lock).execute(connection).await.map(drop)
}

/// A row that this release can not read: says which column of which row.
pub(crate) fn inconsistent(table: &str, column: &str, row: impl fmt::Display) -> Error {
    Error::DeserializationError(
        format!("{table}.{column} of {row} holds what this release can not read").into(),
    )
}

/// Whether a stored row could not be read: written by a later release, or by a hand in the database. No item that came
/// in is to blame for it.
#[must_use]
pub fn is_unreadable_row(failure: &DbError) -> bool {
    matches!(failure, DbError::Query(Error::DeserializationError(_)))
}
