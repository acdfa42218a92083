//! The section `[database]` of a service that has one.

use std::{path::PathBuf, str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use settings::{Problems, Validate};

/// How a service reaches its own database. Every key but `url` has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `postgres://user:password@host/database` of the role that serves: it can not change the schema.
    ///
    /// `sslmode=require` encrypts **and** verifies the server's certificate and name. Without it, or with
    /// `sslmode=prefer`, the connection is plain text.
    pub url: SecretString,
    /// The same database for the role that owns the schema; only `migrate` needs it.
    #[serde(default)]
    pub migrate_url: Option<SecretString>,
    /// PEM file of the authority that signed the server's certificate. Absent: the authorities of the system.
    #[serde(default)]
    pub tls_ca_path: Option<PathBuf>,
    /// What `pg_stat_activity` shows for our connections.
    #[serde(default = "default_application_name")]
    pub application_name: String,
    /// Most connections in the pool. Each listened-to channel takes one more beside it.
    #[serde(default = "default_pool_size")]
    pub pool_size: usize,
    /// How long a caller waits for a free connection.
    #[serde(default = "default_wait_timeout_ms")]
    pub wait_timeout_ms: u64,
    /// How long opening a connection may take.
    #[serde(default = "default_connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// How long the check of a connection that is taken from the pool may take.
    #[serde(default = "default_recycle_timeout_ms")]
    pub recycle_timeout_ms: u64,
    /// How long one statement may run before the server ends it.
    #[serde(default = "default_statement_timeout_ms")]
    pub statement_timeout_ms: u64,
    /// How long a transaction may sit idle before the server ends its connection.
    #[serde(default = "default_idle_in_transaction_timeout_ms")]
    pub idle_in_transaction_timeout_ms: u64,
    /// Age at which a connection is replaced, so that no plan outlives a migration for long.
    #[serde(default = "default_connection_max_age_seconds")]
    pub connection_max_age_seconds: u64,
    /// How long `migrate` waits for another `migrate` on the same database.
    #[serde(default = "default_migrate_wait_seconds")]
    pub migrate_wait_seconds: u64,
    /// How long one statement of a migration may wait for a lock: while it waits, everyone else waits behind it.
    #[serde(default = "default_migrate_lock_timeout_ms")]
    pub migrate_lock_timeout_ms: u64,
}

fn default_application_name() -> String {
    String::from("gokart")
}

const fn default_pool_size() -> usize {
    8
}

const fn default_wait_timeout_ms() -> u64 {
    5_000
}

const fn default_connect_timeout_ms() -> u64 {
    5_000
}

const fn default_recycle_timeout_ms() -> u64 {
    5_000
}

const fn default_statement_timeout_ms() -> u64 {
    15_000
}

const fn default_idle_in_transaction_timeout_ms() -> u64 {
    30_000
}

const fn default_connection_max_age_seconds() -> u64 {
    1_800
}

const fn default_migrate_wait_seconds() -> u64 {
    120
}

const fn default_migrate_lock_timeout_ms() -> u64 {
    5_000
}

impl DatabaseSettings {
    /// Settings for `url` with every default.
    #[must_use]
    pub fn with_url(url: SecretString) -> Self {
        Self {
            url,
            migrate_url: None,
            tls_ca_path: None,
            application_name: default_application_name(),
            pool_size: default_pool_size(),
            wait_timeout_ms: default_wait_timeout_ms(),
            connect_timeout_ms: default_connect_timeout_ms(),
            recycle_timeout_ms: default_recycle_timeout_ms(),
            statement_timeout_ms: default_statement_timeout_ms(),
            idle_in_transaction_timeout_ms: default_idle_in_transaction_timeout_ms(),
            connection_max_age_seconds: default_connection_max_age_seconds(),
            migrate_wait_seconds: default_migrate_wait_seconds(),
            migrate_lock_timeout_ms: default_migrate_lock_timeout_ms(),
        }
    }

    pub(crate) fn wait_timeout(&self) -> Duration {
        Duration::from_millis(self.wait_timeout_ms)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(crate) fn recycle_timeout(&self) -> Duration {
        Duration::from_millis(self.recycle_timeout_ms)
    }

    pub(crate) fn connection_max_age(&self) -> Duration {
        Duration::from_secs(self.connection_max_age_seconds)
    }
}

/// Never repeats any part of the URL: a password with an unescaped `?` in it would end up in the parser's complaint.
fn check_url(problems: &mut Problems, key: &str, url: &SecretString) {
    match tokio_postgres::Config::from_str(url.expose_secret()) {
        Ok(config) if config.get_user().is_none() => problems.add(key, "must name the role: postgres://role@host/database"),
        Ok(config) if config.get_dbname().is_none() => problems.add(key, "must name the database: postgres://role@host/database"),
        Ok(config) if config.get_hosts().is_empty() => problems.add(key, "must name the host: postgres://role@host/database"),
        Ok(_) => {}
        Err(_may_hold_a_password) => problems.add(
            key,
            "must be postgres://role:password@host:port/database; sslmode is disable, prefer or require (require \
             also verifies the certificate)",
        ),
    }
}

impl Validate for DatabaseSettings {
    fn validate(&self, problems: &mut Problems) {
        check_url(problems, "url", &self.url);
        if let Some(url) = &self.migrate_url {
            check_url(problems, "migrate_url", url);
        }
        // A relay and one caller must never wait for each other; beyond a few hundred, PostgreSQL only loses.
        problems.in_range("pool_size", &self.pool_size, &(2..=500));
        problems.in_range("wait_timeout_ms", &self.wait_timeout_ms, &(1..=60_000));
        problems.in_range("connect_timeout_ms", &self.connect_timeout_ms, &(1..=60_000));
        problems.in_range("recycle_timeout_ms", &self.recycle_timeout_ms, &(1..=60_000));
        problems.in_range("statement_timeout_ms", &self.statement_timeout_ms, &(1..=600_000));
        // The outbox relay waits for the broker inside its transaction, see `outbox::Relay`.
        problems.in_range(
            "idle_in_transaction_timeout_ms",
            &self.idle_in_transaction_timeout_ms,
            &(15_000..=600_000),
        );
        problems.in_range("connection_max_age_seconds", &self.connection_max_age_seconds, &(1..=86_400));
        problems.in_range("migrate_wait_seconds", &self.migrate_wait_seconds, &(1..=3_600));
        problems.in_range("migrate_lock_timeout_ms", &self.migrate_lock_timeout_ms, &(1..=60_000));
        if self.application_name.is_empty()
            || !self.application_name.bytes().all(|byte| byte.is_ascii_graphic())
        {
            problems.add("application_name", "must be printable ASCII without spaces");
        }
    }
}
