//! A database for each test, cloned from one that was migrated once.
//!
//! Tests commit, roll back, lock and relay like the service does, so they need a database and not a transaction of
//! their own. A clone costs 30 ms. The serving role and the migrating role are as far apart as in production.

mod admin;
mod template;

use std::{fmt::Display, future::Future, thread};

use diesel_async::{AsyncConnection, AsyncPgConnection};
use postgres_kit::{DatabaseSettings, Pool};

use crate::{nodes::Nodes, random};

/// The role that serves. One for all tests: what separates databases is the database.
pub(crate) const APP_ROLE: &str = "gokart_test_app";
/// The role that migrates and owns the tables.
pub(crate) const MIGRATE_ROLE: &str = "gokart_test_migrate";
/// Both listen on loopback only and know nothing.
pub(crate) const PASSWORD: &str = "test";

/// A database of one test: dropped when the test passes, kept and named when it panics.
#[derive(Debug)]
pub struct TestDatabase {
    nodes: Nodes,
    name: String,
}

/// A fresh database of `service` (the name of its crate), migrated by `migrate`.
///
/// `migrate` runs only when the migrations or sources of that crate, or of `postgres-kit`, have changed since a test
/// last asked: it makes the template that all its tests clone.
///
/// # Panics
/// When there are no nodes, or `migrate` fails.
pub async fn database<F, Running, E>(service: &str, migrate: F) -> TestDatabase
where
    F: FnOnce(DatabaseSettings) -> Running,
    Running: Future<Output = Result<(), E>>,
    E: Display,
{
    let nodes = Nodes::from_env();
    let name = name_of(service);
    template::clone(&nodes, service, &name, migrate).await;
    TestDatabase { nodes, name }
}

/// A fresh database without any table, for tests of migrations themselves.
///
/// # Panics
/// When there are no nodes.
pub async fn empty_database(service: &str) -> TestDatabase {
    let nodes = Nodes::from_env();
    let name = name_of(service);
    template::create_empty(&nodes, &name).await;
    TestDatabase { nodes, name }
}

/// At most 63 bytes, or PostgreSQL cuts it.
fn name_of(service: &str) -> String {
    format!("test_{}_{}", template::stem(service), random::suffix())
}

impl TestDatabase {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As the role that serves.
    pub fn app_url(&self) -> String {
        self.nodes.url(APP_ROLE, PASSWORD, &self.name)
    }

    /// As the role that migrates.
    pub fn migrate_url(&self) -> String {
        self.nodes.url(MIGRATE_ROLE, PASSWORD, &self.name)
    }

    /// As the superuser.
    pub fn admin_url(&self) -> String {
        self.nodes.admin_url(&self.name)
    }

    /// Settings with both roles and the defaults, but few connections.
    pub fn settings(&self) -> DatabaseSettings {
        settings(&self.nodes, &self.name)
    }

    /// A pool of the role that serves.
    pub fn pool(&self) -> Pool {
        postgres_kit::pool(&self.settings()).expect("a pool")
    }

    /// A connection as the superuser, to look at what nobody shows and to break what nobody breaks.
    pub async fn admin(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.admin_url()).await.expect("a connection as superuser")
    }
}

pub(crate) fn settings(nodes: &Nodes, name: &str) -> DatabaseSettings {
    let mut settings = DatabaseSettings::with_url(nodes.url(APP_ROLE, PASSWORD, name).into());
    settings.migrate_url = Some(nodes.url(MIGRATE_ROLE, PASSWORD, name).into());
    settings.pool_size = 4;
    settings
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the database of this test is kept: deploy/local/nodes.sh psql -d {}", self.name);
            return;
        }
        let (nodes, name) = (self.nodes.clone(), self.name.clone());
        // A runtime of its own: the test's may be single-threaded, and is busy dropping us.
        let dropping = thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(template::drop_database(&nodes, &name));
        });
        if dropping.join().is_err() {
            eprintln!("could not drop the database {}", self.name);
        }
    }
}
