//! The pool of the role that serves.
//!
//! A connection is verified with a query whenever it is taken (the cheap check does not notice a server that went
//! away), replaced when it is old, and thrown away when a cancelled caller left a transaction open in it.

use std::{fmt, sync::Arc, time::Duration};

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
use tokio::sync::Notify;

use crate::{
    connect::{ConnectError, Connector},
    settings::DatabaseSettings,
    wake_ups::WakeUps,
};

/// Connections of the role that serves. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Pool {
    connections: deadpool::Pool<AsyncPgConnection>,
    wake_ups: Arc<WakeUps>,
}

/// A connection that returns to its [`Pool`] when dropped.
pub type PooledConnection = Object<AsyncPgConnection>;
/// No connection could be had: all are in use, or the server can not be reached.
pub type PoolError = deadpool::PoolError;

/// How busy a [`Pool`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// Open connections.
    pub open: usize,
    /// Those that nobody uses.
    pub free: usize,
    /// Callers that wait for one.
    pub waiting: usize,
}

impl Pool {
    /// A connection, verified. Waits for a free one as long as the settings say.
    ///
    /// # Errors
    /// [`PoolError`] when none becomes free in time or none can be opened.
    pub async fn get(&self) -> Result<PooledConnection, PoolError> {
        self.connections.get().await
    }

    /// How busy it is.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let status = self.connections.status();
        PoolStatus { open: status.size, free: status.available, waiting: status.waiting }
    }

    /// Notified when a transaction of this process has committed work of this name; see
    /// [`wake_ups::after_commit`](crate::wake_ups::after_commit).
    #[must_use]
    pub fn woken_by(&self, work: &'static str) -> Arc<Notify> {
        self.wake_ups.of(work)
    }

    pub(crate) fn wake_ups(&self) -> &WakeUps {
        &self.wake_ups
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pool").field("status", &self.status()).finish_non_exhaustive()
    }
}

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
    let connections = deadpool::Pool::builder(manager)
        .max_size(settings.pool_size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(settings.wait_timeout()))
        .create_timeout(Some(settings.connect_timeout()))
        .recycle_timeout(Some(settings.recycle_timeout()))
        .pre_recycle(replace_older_than(settings.connection_max_age()))
        .build()
        .map_err(ConnectError::Pool)?;
    Ok(Pool { connections, wake_ups: Arc::default() })
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
