//! The kit against a real PostgreSQL, through its public door.

#![expect(clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod dead_items;
mod inbox;
mod kept;
mod migrate;
mod notify;
mod outbox;
mod pool;
mod replicas;
mod tokens;
mod transact;
mod wake_ups;

use std::time::Duration;

use diesel::{QueryableByName, sql_query, sql_types::BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use kernel::FactId;
use postgres_kit::{Grants, Pool, migrate as bring_up};
use test_kit::TestDatabase;
use uuid::Uuid;

/// Long enough for a machine that compiles something else meanwhile.
const SOON: Duration = Duration::from_secs(20);

/// A service without tables of its own.
const NO_MIGRATIONS: diesel_migrations::EmbeddedMigrations = diesel_migrations::EmbeddedMigrations::new(&[]);

/// A database with this crate's tables.
async fn database() -> TestDatabase {
    test_kit::database("postgres-kit", async |settings| {
        bring_up(&settings, NO_MIGRATIONS, Grants::all_tables()).await
    })
    .await
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// What a `SELECT … AS count` says.
async fn count(connection: &mut AsyncPgConnection, query: &str) -> i64 {
    let row: Count = sql_query(query).get_result(connection).await.expect(query);
    row.count
}

async fn run(pool: &Pool, statements: &str) {
    pool.get().await.expect("a connection").batch_execute(statements).await.expect(statements);
}

fn fact(number: u128) -> FactId {
    FactId::from_uuid(Uuid::from_u128(number))
}
