//! The migrated database that a service's tests clone.
//!
//! Its name holds a hash of everything that decides how it looks, so it is never stale. Many test processes ask at
//! once: whoever makes it holds an advisory lock alone, whoever clones it holds the same lock together with others.

use std::{fmt::Display, fs, future::Future, path::Path, time::Duration};

use postgres_kit::DatabaseSettings;
use sha2::{Digest, Sha256};

use super::{APP_ROLE, MIGRATE_ROLE, PASSWORD, admin::Admin, settings};
use crate::{
    nodes::{Nodes, workspace},
    random,
};

/// Guards all templates: they are made seldom.
const LOCK: i64 = 0x74_65_73_74;
/// What a killed run or a failed test left behind is dropped after this.
const ABANDONED_HOURS: i32 = 12;
/// How long a dropped database is waited for.
const DROP_PATIENCE: Duration = Duration::from_millis(300);
/// Bytes of the hash in a template's name.
const HASH_BYTES: usize = 6;
/// Letters of the service in the names: the whole must not exceed 63.
const STEM_LENGTH: usize = 24;

/// Creates `name` as a clone of the template, which is made when there is none.
pub(super) async fn clone<F, Running, E>(nodes: &Nodes, service: &str, name: &str, migrate: F)
where
    F: FnOnce(DatabaseSettings) -> Running,
    Running: Future<Output = Result<(), E>>,
    E: Display,
{
    let template = format!("template_{}_{}", stem(service), fingerprint(service));
    let mut admin = Admin::connect(nodes).await;
    admin.run(&format!("SELECT pg_advisory_lock_shared({LOCK})")).await;
    if !admin.exists(&template).await {
        admin.run(&format!("SELECT pg_advisory_unlock_shared({LOCK}), pg_advisory_lock({LOCK})")).await;
        if !admin.exists(&template).await {
            make(nodes, &mut admin, &template, migrate).await;
        }
    }
    admin.run(&format!("CREATE DATABASE {name} TEMPLATE {template} OWNER {MIGRATE_ROLE}")).await;
}

/// Creates `name` without tables.
pub(super) async fn create_empty(nodes: &Nodes, name: &str) {
    let mut admin = Admin::connect(nodes).await;
    admin.run(&format!("SELECT pg_advisory_lock({LOCK})")).await;
    create_roles(&mut admin).await;
    admin.run(&format!("CREATE DATABASE {name} OWNER {MIGRATE_ROLE}")).await;
}

/// The server finishes what was begun, whether or not we stay. We do not stay long: dropping waits for a checkpoint,
/// and for every connection that is just logging in, cluster-wide; one of those may be the caller's own, whose thread
/// is waiting for us.
pub(super) async fn drop_database(nodes: &Nodes, name: &str) {
    let mut admin = Admin::connect(nodes).await;
    let drop_it = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    // Elapsed is as good as done.
    let _done = tokio::time::timeout(DROP_PATIENCE, admin.run(&drop_it)).await;
}

async fn make<F, Running, E>(nodes: &Nodes, admin: &mut Admin, template: &str, migrate: F)
where
    F: FnOnce(DatabaseSettings) -> Running,
    Running: Future<Output = Result<(), E>>,
    E: Display,
{
    for old in admin.abandoned(ABANDONED_HOURS).await {
        // Refused when somebody has just begun to use it.
        admin.try_run(&format!("DROP DATABASE IF EXISTS {old}")).await;
    }
    create_roles(admin).await;
    // Under another name until it is complete: a run that is killed half-way leaves no broken template.
    let making = format!("making_{}", random::suffix());
    admin.run(&format!("CREATE DATABASE {making} OWNER {MIGRATE_ROLE}")).await;
    if let Err(error) = migrate(settings(nodes, &making)).await {
        drop_database(nodes, &making).await;
        panic!("the migrations fail: {error}");
    }
    // Waits for the migrating session to end.
    admin.run(&format!("ALTER DATABASE {making} RENAME TO {template}")).await;
    admin.run(&format!("ALTER DATABASE {template} ALLOW_CONNECTIONS false")).await;
}

async fn create_roles(admin: &mut Admin) {
    for role in [APP_ROLE, MIGRATE_ROLE] {
        admin
            .run(&format!(
                "DO $$ BEGIN
                    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                        CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}';
                    END IF;
                END $$"
            ))
            .await;
    }
}

/// A service's name as part of a database's.
pub(super) fn stem(service: &str) -> String {
    service
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
        .take(STEM_LENGTH)
        .collect()
}

/// Everything that decides how the database looks: migrations, and the code that runs them and grants.
fn fingerprint(service: &str) -> String {
    let mut hash = Sha256::new();
    for folder in ["postgres-kit/migrations", "postgres-kit/src"] {
        add(&mut hash, &workspace().join("crates").join(folder));
    }
    for folder in ["migrations", "src"] {
        add(&mut hash, &workspace().join("crates").join(service).join(folder));
    }
    hex::encode(hash.finalize().iter().take(HASH_BYTES).copied().collect::<Vec<u8>>())
}

/// A folder that does not exist adds nothing.
fn add(hash: &mut Sha256, folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry of a folder").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add(hash, &path);
        } else {
            let content = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            hash.update(path.as_os_str().as_encoded_bytes());
            hash.update(content.len().to_le_bytes());
            hash.update(content);
        }
    }
}
