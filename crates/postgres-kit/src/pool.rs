//! The pool of the role that serves.
//!
//! A connection is verified with a query whenever it is taken (the cheap check does not notice a server that went
//! away), replaced when it is old, and thrown away when a cancelled caller left a transaction open in it.

use std::{sync::Arc, time::Duration};

use deadpool_runtime::Runtime;
use diesel::ConnectionError;
use diesel_async::{
    AsyncPgConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{self, Hook, HookError, Object},
    },
};
use futures_util::FutureExt;

use crate::{
    connect::{ConnectError, Connector},
    settings::DatabaseSettings,
};

/// Connections of the role that serves. Cheap to clone.
pub type Pool = deadpool::Pool<AsyncPgConnection>;
/// A connection that returns to its [`Pool`] when dropped.
pub type PooledConnection = Object<AsyncPgConnection>;
/// No connection could be had: all are in use, or the server can not be reached.
pub type PoolError = deadpool::PoolError;

/// Makes the pool. Connects to nothing yet: a service starts before its database does.
///
/// # Errors
/// [`ConnectError`] when the URL or the certificates can not be used.
pub fn pool(settings: &DatabaseSettings) -> Result<Pool, ConnectError> {
    let connector = Arc::new(Connector::serving(settings)?);
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Verified;
    config.custom_setup = Box::new(move |_url| {
        let connector = Arc::clone(&connector);
        async move { connector.connect().await.map_err(described) }.boxed()
    });
    // The manager wants a URL and never needs it; ours stays where nothing can print it.
    let manager = AsyncDieselConnectionManager::new_with_config("postgres://", config);
    Pool::builder(manager)
        .max_size(settings.pool_size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(settings.wait_timeout()))
        .create_timeout(Some(settings.connect_timeout()))
        .recycle_timeout(Some(settings.recycle_timeout()))
        .pre_recycle(replace_older_than(settings.connection_max_age()))
        .build()
        .map_err(ConnectError::Pool)
}

fn replace_older_than(max_age: Duration) -> Hook<AsyncPgConnection> {
    Hook::sync_fn(
        move |_connection, metrics| {
            if metrics.age() > max_age { Err(HookError::message("too old")) } else { Ok(()) }
        },
    )
}

/// diesel's own error has no place for a source: the whole chain goes into its text.
fn described(error: ConnectError) -> ConnectionError {
    match error {
        ConnectError::Use(error) => error,
        error @ (ConnectError::Url
        | ConnectError::Authority { .. }
        | ConnectError::Untrustworthy { .. }
        | ConnectError::NoAuthorities
        | ConnectError::Tls(_)
        | ConnectError::Open(_)
        | ConnectError::Session(_)
        | ConnectError::Pool(_)
        | ConnectError::Language(_)) => ConnectionError::BadConnection(telemetry::chain(&error)),
    }
}
