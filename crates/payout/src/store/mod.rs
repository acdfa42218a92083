//! Payout's own database, in hand-written SQL of constant text: multi-row statements over `unnest`, rows in the order of
//! their keys, plans kept by the connection. Every query is scoped by tenant, except the sweeps and claims, which work for
//! all of them and carry the tenant along.

pub mod advertisers;
pub mod attempts;
pub mod budget_raises;
pub mod bulk;
pub mod bulk_lines;
mod column;
pub mod conversions;
pub mod decisions;
pub mod deliveries;
pub mod delivery_log;
pub mod due_holds;
pub mod due_times;
pub mod endpoint_conditions;
pub mod endpoint_tests;
pub mod erased;
pub mod exposure;
pub mod history;
pub mod hold_shares;
pub mod ledger;
pub mod offers;
pub mod periods;
pub mod publisher_health;
pub mod publisher_traffic;
pub mod publishers;
pub mod rateless;
pub mod read;
pub mod replays;
pub mod retention;
pub mod reviews;
pub mod statement_rows;
pub mod statements;
pub mod steps;
pub mod tenants;
pub mod unsent;
pub mod untold;
pub mod usage;
pub mod verify;
mod verify_statements;
pub mod waiting;
mod waits_for;
mod words;

use diesel::{QueryResult, QueryableByName, sql_query, sql_types::Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use kernel::Timestamp;
use postgres_kit::kept;

use self::column::{Moment, from_sql};

/// The service's own tables.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Tables whose rows the serving role can neither update nor delete.
pub const APPEND_ONLY: &[&str] = &[
    "ledger_transfers",
    "ledger_accounts",
    "conversion_history",
    "conversion_decisions",
    "budget_raises",
    "delivery_attempts",
    "delivery_replay_items",
    "endpoint_pauses",
    "ledger_checkpoints",
    "statements",
    "statement_lines",
    "statement_adjustments",
    "statement_payments",
];

/// The deliverer's work.
pub const DELIVERIES: &str = "deliveries";

/// The database's clock, by which holds end: the moment at which the transaction began.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn now(mut connection: &AsyncPgConnection) -> QueryResult<Timestamp> {
    let row: Now = kept(sql_query("SELECT now() AS moment")).get_result(&mut connection).await?;
    Ok(from_sql(row.moment))
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    moment: Moment,
}
