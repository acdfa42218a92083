//! Changes the schema: a command of its own, run before the release that needs it, never a part of starting.
//!
//! One `migrate` at a time per database (an advisory lock of the session, so a killed one frees it). First the tables
//! of this crate, then the service's; both sets share diesel's table of versions: ours are numbered 1, 2, 3 …, a
//! service's by date, so they never meet. Then the grants, in one transaction, so that a serving replica never sees
//! less than it has.
//!
//! Each migration runs in its own transaction and waits only briefly for a lock; a statement that waits behind a long
//! transaction makes everyone wait behind it, so it gives up, and the command may simply be run again.

mod grants;

use std::collections::HashSet;

use diesel::{
    migration::{Migration, MigrationSource, MigrationVersion},
    pg::Pg,
};
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection, async_connection_wrapper::AsyncConnectionWrapper,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio::task::{JoinError, spawn_blocking};

pub use self::grants::Grants;
use crate::{
    connect::{ConnectError, Connector},
    settings::DatabaseSettings,
};

/// The tables of this crate.
const KIT: EmbeddedMigrations = embed_migrations!("migrations");

/// Any number will do, as long as nobody else locks it: "gokart" in ASCII.
const LOCK: i64 = 0x67_6f_6b_61_72_74;

/// Why the schema is not as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// There is no URL of the role that owns the schema.
    #[error("database.migrate_url is not set: migrations run as the role that owns the schema")]
    NoMigrateUrl,
    /// No connection.
    #[error("can not connect to migrate")]
    Connect(#[source] ConnectError),
    /// Another `migrate` holds the lock, or the database went away.
    #[error("can not take the migration lock")]
    Lock(#[source] diesel::result::Error),
    /// A migration failed; those before it are in place.
    #[error("migration failed: {reason}")]
    Run {
        /// diesel's account, with the migration's name. Its type can not be a source: it is not `Sync` everywhere.
        reason: String,
    },
    /// The thread that ran the migrations panicked.
    #[error("migration thread failed")]
    Thread(#[source] JoinError),
    /// The grants could not be made.
    #[error("can not grant to the serving role")]
    Grant(#[source] diesel::result::Error),
    /// The grants would not hold.
    #[error("role {role}, which serves, {why}")]
    RoleTooStrong {
        /// The role of `database.url`.
        role: String,
        /// What it may do.
        why: &'static str,
    },
}

/// Brings the database to this release: this crate's tables, `service`'s, and the serving role's rights.
///
/// Harmless to run again and to run twice at once.
///
/// # Errors
/// [`MigrateError`]; everything before the failing step is in place, and running it again continues there.
pub async fn migrate(
    settings: &DatabaseSettings,
    service: EmbeddedMigrations,
    grants: Grants,
) -> Result<(), MigrateError> {
    let role = Connector::serving(settings)
        .and_then(|connector| connector.role().map(str::to_owned))
        .map_err(MigrateError::Connect)?;
    let connection = locked(settings).await?;
    let run = move |harness: &mut Harness| {
        let kit = harness.run_pending_migrations(KIT)?.len();
        let own = harness.run_pending_migrations(service)?.len();
        tracing::info!(migrations.kit = kit, migrations.service = own, "schema is up to date");
        Ok(())
    };
    let mut connection = blocking(connection, run).await?;
    grants.give(&mut connection, &role).await
}

/// Takes back all of `service`'s migrations, newest first, and leaves this crate's tables: for the test that every
/// migration can be reverted, and for a person who knows what they do.
///
/// # Errors
/// [`MigrateError`]; what was reverted before the failing one stays reverted.
pub async fn revert(settings: &DatabaseSettings, service: EmbeddedMigrations) -> Result<(), MigrateError> {
    let connection = locked(settings).await?;
    let run = move |harness: &mut Harness| {
        let migrations: Vec<Box<dyn Migration<Pg>>> = service.migrations()?;
        let applied: HashSet<MigrationVersion<'static>> = harness.applied_migrations()?.into_iter().collect();
        let mut reverting: Vec<_> = migrations
            .into_iter()
            .filter(|migration| applied.contains(&migration.name().version()))
            .collect();
        reverting.sort_by(|a, b| b.name().version().cmp(&a.name().version()));
        for migration in &reverting {
            harness.revert_migration(migration)?;
        }
        tracing::info!(migrations.service = reverting.len(), "migrations reverted");
        Ok(())
    };
    blocking(connection, run).await.map(drop)
}

type Harness = AsyncConnectionWrapper<AsyncPgConnection>;

/// A connection of the owner that holds the lock until it is dropped.
async fn locked(settings: &DatabaseSettings) -> Result<AsyncPgConnection, MigrateError> {
    let url = settings.migrate_url.as_ref().ok_or(MigrateError::NoMigrateUrl)?;
    let connector = Connector::new(url, settings).map_err(MigrateError::Connect)?;
    let mut connection = connector.connect().await.map_err(MigrateError::Connect)?;
    // An index on a large table may take minutes: only waiting is limited, not working.
    let lock = format!(
        "SET statement_timeout = 0; SET lock_timeout = '{}s'; SELECT pg_advisory_lock({LOCK}); SET lock_timeout = {}",
        settings.migrate_wait_seconds, settings.migrate_lock_timeout_ms
    );
    connection.batch_execute(&lock).await.map_err(MigrateError::Lock)?;
    Ok(connection)
}

/// diesel's migrations are synchronous: they run on a thread that may block, on either kind of runtime.
async fn blocking<F>(connection: AsyncPgConnection, run: F) -> Result<AsyncPgConnection, MigrateError>
where
    F: FnOnce(&mut Harness) -> diesel::migration::Result<()> + Send + 'static,
{
    let done = spawn_blocking(move || {
        let mut harness = Harness::from(connection);
        run(&mut harness).map(|()| harness.into_inner())
    });
    done.await.map_err(MigrateError::Thread)?.map_err(|error| MigrateError::Run { reason: error.to_string() })
}
