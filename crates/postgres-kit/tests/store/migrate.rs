//! Migrations under a lock, and what the serving role may do afterwards.

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use postgres_kit::{DatabaseSettings, Grants, MigrateError, migrate::revert};
use test_kit::{TestDatabase, empty_database};

use super::{NO_MIGRATIONS, bring_up, count};

/// A service with an ordinary table, an append-only one and a partitioned append-only one.
const LEDGER: EmbeddedMigrations = embed_migrations!("tests/store/ledger");
/// One that needs a lock.
const BLOCKED: EmbeddedMigrations = embed_migrations!("tests/store/blocked");
const GRANTS: Grants = Grants::append_only(&["entries", "receipts"]);

async fn migrated() -> TestDatabase {
    let database = empty_database("postgres-kit").await;
    bring_up(&database.settings(), LEDGER, GRANTS).await.expect("migrations");
    database
}

async fn as_app(database: &TestDatabase) -> AsyncPgConnection {
    AsyncPgConnection::establish(&database.app_url()).await.expect("a connection")
}

async fn refused(connection: &mut AsyncPgConnection, statement: &str) -> bool {
    let outcome = connection.batch_execute(statement).await;
    outcome.is_err_and(|error| {
        let text = error.to_string();
        text.contains("permission denied") || text.contains("must be owner")
    })
}

#[tokio::test]
async fn migrating_twice_is_harmless_and_both_sets_live_in_one_table() {
    let database = migrated().await;
    bring_up(&database.settings(), LEDGER, GRANTS).await.expect("a second time");
    let mut admin = database.admin().await;
    assert_eq!(count(&mut admin, "SELECT count(*) AS count FROM __diesel_schema_migrations").await, 7);
    assert_eq!(count(&mut admin, "SELECT count(*) AS count FROM outbox").await, 0);
    assert_eq!(count(&mut admin, "SELECT count(*) AS count FROM entries").await, 0);
}

#[tokio::test]
async fn migrating_at_once_from_several_places_does_it_once() {
    let database = empty_database("postgres-kit").await;
    let settings = database.settings();
    let (first, second, third) = tokio::join!(
        bring_up(&settings, LEDGER, GRANTS),
        bring_up(&settings, LEDGER, GRANTS),
        bring_up(&settings, LEDGER, GRANTS)
    );
    for outcome in [first, second, third] {
        outcome.expect("migrations");
    }
}

#[tokio::test]
async fn a_service_is_reverted_and_brought_up_again() {
    let database = migrated().await;
    revert(&database.settings(), LEDGER).await.expect("reverted");
    let mut admin = database.admin().await;
    let tables = "SELECT count(*) AS count FROM pg_class WHERE relname IN ('accounts', 'entries', 'outbox')";
    assert_eq!(count(&mut admin, tables).await, 1, "only the outbox is left");
    bring_up(&database.settings(), LEDGER, GRANTS).await.expect("up again");
    assert_eq!(count(&mut admin, tables).await, 3);
}

#[tokio::test]
async fn the_serving_role_can_not_change_the_schema() {
    let database = migrated().await;
    let mut app = as_app(&database).await;
    for statement in [
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "ALTER TABLE accounts ADD COLUMN mine int",
        "DROP TABLE accounts",
        "TRUNCATE accounts",
        "CREATE INDEX ON accounts (name)",
        "DELETE FROM __diesel_schema_migrations",
        "GRANT ALL ON accounts TO PUBLIC",
    ] {
        let outcome = app.batch_execute(statement).await;
        // Granting what one does not have is a warning in PostgreSQL, and grants nothing.
        let granted_nothing = statement.starts_with("GRANT") && outcome.is_ok();
        assert!(granted_nothing || refused(&mut app, statement).await, "{statement}: {outcome:?}");
    }
    app.batch_execute(
        "INSERT INTO accounts (name) VALUES ('a'); UPDATE accounts SET name = 'b'; DELETE FROM accounts",
    )
    .await
    .expect("rows of an ordinary table may be changed");
}

#[tokio::test]
async fn what_is_append_only_stays_as_it_was_written() {
    let database = migrated().await;
    let mut app = as_app(&database).await;
    app.batch_execute(
        "INSERT INTO entries (amount) VALUES (1); INSERT INTO receipts VALUES ('2027-01-01', 1); SELECT FROM entries",
    )
    .await
    .expect("rows may be added and read");
    for statement in [
        "UPDATE entries SET amount = 2",
        "DELETE FROM entries",
        "TRUNCATE entries",
        "UPDATE receipts SET number = 2",
        "DELETE FROM receipts",
        // Not through the back door of a partition either.
        "UPDATE receipts_2027 SET number = 2",
        "DELETE FROM receipts_2027",
    ] {
        assert!(refused(&mut app, statement).await, "{statement}");
    }
}

#[tokio::test]
async fn a_table_that_becomes_append_only_loses_what_it_had() {
    let database = empty_database("postgres-kit").await;
    bring_up(&database.settings(), LEDGER, Grants::all_tables()).await.expect("migrations");
    let mut app = as_app(&database).await;
    app.batch_execute("UPDATE entries SET amount = 2").await.expect("not append-only yet");
    bring_up(&database.settings(), LEDGER, GRANTS).await.expect("migrations");
    assert!(refused(&mut app, "UPDATE entries SET amount = 2").await);
}

#[tokio::test]
async fn a_serving_role_that_could_undo_the_grants_is_refused() {
    let database = empty_database("postgres-kit").await;
    for strong in [database.migrate_url(), database.admin_url()] {
        let mut settings = DatabaseSettings::with_url(strong.into());
        settings.migrate_url = Some(database.migrate_url().into());
        let error = bring_up(&settings, NO_MIGRATIONS, Grants::all_tables()).await.expect_err("too strong");
        assert!(matches!(error, MigrateError::RoleTooStrong { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_right_that_can_not_be_taken_away_is_refused() {
    let database = empty_database("postgres-kit").await;
    let mut admin = database.admin().await;
    // As before PostgreSQL 15: somebody else owns `public` and lets everyone create tables in it.
    admin
        .batch_execute(
            "ALTER SCHEMA public OWNER TO gokart_admin; GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC, gokart_test_migrate",
        )
        .await
        .expect("an older arrangement");
    let error =
        bring_up(&database.settings(), NO_MIGRATIONS, Grants::all_tables()).await.expect_err("too strong");
    assert!(error.to_string().contains("may create tables"), "{error}");
}

#[tokio::test]
async fn a_database_that_lets_nobody_in_lets_the_serving_role_in() {
    let database = empty_database("postgres-kit").await;
    let mut owner = AsyncPgConnection::establish(&database.migrate_url()).await.expect("a connection");
    let close = format!("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", database.name());
    owner.batch_execute(&close).await.expect("closed");
    bring_up(&database.settings(), NO_MIGRATIONS, Grants::all_tables()).await.expect("migrations");
    as_app(&database).await.batch_execute("SELECT FROM outbox").await.expect("let in");
}

#[tokio::test]
async fn without_the_owners_url_there_is_a_clear_error() {
    let database = empty_database("postgres-kit").await;
    let settings = DatabaseSettings::with_url(database.app_url().into());
    let error = bring_up(&settings, NO_MIGRATIONS, Grants::all_tables()).await.expect_err("no owner");
    assert!(error.to_string().contains("database.migrate_url"), "{error}");
}

#[tokio::test]
async fn a_migration_does_not_wait_for_ever_behind_a_long_transaction() {
    let database = empty_database("postgres-kit").await;
    let mut settings = database.settings();
    settings.migrate_lock_timeout_ms = 50;
    bring_up(&settings, NO_MIGRATIONS, Grants::all_tables()).await.expect("the kit's tables");
    let mut owner = AsyncPgConnection::establish(&database.migrate_url()).await.expect("a connection");
    owner.batch_execute("CREATE TABLE accounts (id int)").await.expect("a table");
    owner.batch_execute("BEGIN; LOCK TABLE accounts").await.expect("a lock");
    let error = bring_up(&settings, BLOCKED, Grants::all_tables()).await.expect_err("blocked");
    assert!(error.to_string().contains("lock timeout"), "{error}");
    assert!(error.to_string().contains("add_balance"), "the migration is named: {error}");
    owner.batch_execute("COMMIT").await.expect("the end of the transaction");
    bring_up(&settings, BLOCKED, Grants::all_tables()).await.expect("free now");
}
