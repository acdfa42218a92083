//! LISTEN/NOTIFY: how the replicas of a service hear that something in their database changed.
//!
//! A notification is a hint, never the news itself: it can be lost with the connection that would have carried it.
//! So whoever listens is told [`Change::Everything`] whenever something may have been missed: at the start, after
//! every reconnection, and when it was too slow. Listening begins before that is said; so "load everything, then follow
//! the keys" misses nothing.
//!
//! The connection is one of the pool's that never goes back. It is opened again for ever.

use std::{pin::pin, time::Duration};

use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::StreamExt;
use process::Supervisor;
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};

use crate::{
    error::DbError,
    kept::kept,
    pool::{Pool, PooledConnection},
    transact::jittered,
};

/// Changes a listener may lag behind before it is told to load everything.
const BACKLOG: usize = 1_024;
/// Pause before connecting again, with jitter: back within two seconds of the database.
const PAUSE: Duration = Duration::from_secs(2);

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// Anything: load it all.
    Everything,
    /// The thing of this key.
    Of(String),
}

/// The changes of one channel, as they are heard of.
#[derive(Debug)]
pub struct Changes {
    receiver: Receiver<Change>,
    /// A clone begins with a listener's view of the past: none.
    is_new: bool,
}

impl Changes {
    /// The next change; `None` when the process stops. Cancel safe.
    pub async fn next(&mut self) -> Option<Change> {
        if std::mem::take(&mut self.is_new) {
            return Some(Change::Everything);
        }
        match self.receiver.recv().await {
            Ok(change) => Some(change),
            Err(RecvError::Lagged(_)) => Some(Change::Everything),
            Err(RecvError::Closed) => None,
        }
    }
}

impl Clone for Changes {
    fn clone(&self) -> Self {
        Self { receiver: self.receiver.resubscribe(), is_new: true }
    }
}

/// Tells every replica that the things of `keys` changed, when the transaction of `connection` commits.
///
/// A key is at most 7999 bytes; an empty one means everything.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn notify(
    connection: &mut AsyncPgConnection,
    channel: &'static str,
    keys: &[String],
) -> QueryResult<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let notify = sql_query("SELECT count(pg_notify($1, key)) FROM unnest($2) AS key")
        .bind::<Text, _>(channel)
        .bind::<Array<Text>, _>(keys);
    kept(notify).execute(connection).await.map(drop)
}

/// Listens to `channel` until the process has stopped working.
pub fn listen(pool: &Pool, channel: &'static str, supervisor: &Supervisor) -> Changes {
    let (sender, receiver) = broadcast::channel(BACKLOG);
    let pool = pool.clone();
    supervisor.spawn_support("listen", async move { listen_for_ever(&pool, channel, &sender).await });
    Changes { receiver, is_new: false }
}

async fn listen_for_ever(pool: &Pool, channel: &'static str, changes: &Sender<Change>) {
    let mut is_failing = false;
    loop {
        let heard = follow(pool, channel, changes, &mut is_failing).await;
        // Once at the beginning of an outage.
        if let (Err(error), false) = (heard, is_failing) {
            is_failing = true;
            tracing::warn!(
                channel,
                error = telemetry::chain(&error),
                "can not listen to changes; connecting again"
            );
        }
        tokio::time::sleep(jittered(PAUSE)).await;
    }
}

/// Connects, says that anything may have changed, and passes on what it hears until the connection ends.
async fn follow(
    pool: &Pool,
    channel: &'static str,
    changes: &Sender<Change>,
    is_failing: &mut bool,
) -> Result<(), DbError> {
    let mut connection: AsyncPgConnection = PooledConnection::take(pool.get().await?);
    connection.batch_execute(&format!("LISTEN \"{channel}\"")).await?;
    if std::mem::take(is_failing) {
        tracing::info!(channel, "listens to changes again");
    }
    tell(changes, Change::Everything);
    let mut notifications = pin!(connection.notifications_stream());
    while let Some(notification) = notifications.next().await {
        let key = notification?.payload;
        tell(changes, if key.is_empty() { Change::Everything } else { Change::Of(key) });
    }
    Ok(())
}

fn tell(changes: &Sender<Change>, change: Change) {
    // Nobody listens at the moment: whoever comes later begins with everything.
    drop(changes.send(change));
}
