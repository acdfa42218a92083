//! The pool of the role that serves.
//!
//! A connection that nobody has used for a moment is verified with a query when it is taken: the cheap check, which every one passes, does
//! not notice a server that went away without a word. It is replaced when it is old, and thrown away when a cancelled caller left a
//! transaction open in it. Under load connections are used many times a second, and a question before each transaction would be a
//! tenth of its round trips; [`transact`](crate::transact) tries another one when it can not even begin.
//!
//! The one that was given back last is taken first: the fewer the server's processes that work, the warmer they are.

use std::{fmt, sync::Arc, time::Duration};

use deadpool::managed::QueueMode;
use deadpool_runtime::Runtime;
use diesel::{ConnectionError, sql_query};
use diesel_async::{
    AsyncPgConnection, RunQueryDsl,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{self as diesel_pool, Hook, HookError, Object},
    },
};
use futures_util::FutureExt;
use tokio::{sync::Notify, time::timeout};

use crate::{
    connect::{ConnectError, Connector},
    settings::DatabaseSettings,
    wake_ups::WakeUps,
};

/// How long after it was last taken a connection is believed to live.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// Connections of the role that serves. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Pool {
    connections: diesel_pool::Pool<AsyncPgConnection>,
    wake_ups: Arc<WakeUps>,
    /// How long a connection may take to show that it lives.
    patience: Duration,
}

/// A connection that returns to its [`Pool`] when dropped.
pub type PooledConnection = Object<AsyncPgConnection>;
/// No connection could be had: all are in use, or the server can not be reached.
pub type PoolError = diesel_pool::PoolError;

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
    /// A connection, verified unless somebody has taken it within the last second. Waits for a free one as long as the settings say.
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

    pub(crate) const fn patience(&self) -> Duration {
        self.patience
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
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_url| {
        let connector = Arc::clone(&connector);
        async move { connector.connect().await.map_err(described) }.boxed()
    });
    // The manager wants a URL and never needs it; ours stays where nothing can print it.
    let manager = AsyncDieselConnectionManager::new_with_config("postgres://", config);
    let connections = diesel_pool::Pool::builder(manager)
        .max_size(settings.pool_size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(settings.wait_timeout()))
        .create_timeout(Some(settings.connect_timeout()))
        .recycle_timeout(Some(settings.recycle_timeout()))
        .queue_mode(QueueMode::Lifo)
        .pre_recycle(replace_older_than(settings.connection_max_age()))
        .pre_recycle(verify_idle(settings.recycle_timeout()))
        .build()
        .map_err(ConnectError::Pool)?;
    Ok(Pool { connections, wake_ups: Arc::default(), patience: settings.recycle_timeout() })
}

fn replace_older_than(max_age: Duration) -> Hook<AsyncPgConnection> {
    Hook::sync_fn(
        move |_connection, metrics| {
            if metrics.age() > max_age { Err(HookError::message("too old")) } else { Ok(()) }
        },
    )
}

fn verify_idle(patience: Duration) -> Hook<AsyncPgConnection> {
    Hook::async_fn(move |connection: &mut AsyncPgConnection, metrics| {
        let is_idle = metrics.last_used() > TRUSTED_FOR;
        async move {
            if !is_idle {
                return Ok(());
            }
            let answer = timeout(patience, sql_query("SELECT 1").execute(connection)).await;
            if matches!(answer, Ok(Ok(_))) { Ok(()) } else { Err(HookError::message("dead")) }
        }
        .boxed()
    })
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
