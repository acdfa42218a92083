//! One transaction, run again when it lost a race.

use std::{future::Future, time::Duration};

use diesel::result::DatabaseErrorKind;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
use tokio::time::timeout;

use crate::{
    error::{DbError, Failure},
    pool::{Pool, PooledConnection},
    sqlstate::{Class, costs_the_connection},
};

/// First pause before a transaction runs again; doubled each time up to [`PAUSE_MAX`], with jitter.
const PAUSE_MIN: Duration = Duration::from_millis(5);
/// Longest pause: 5, 10, 20, 40, 80, 100, 100 … ms.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Into how many steps the jitter divides a pause.
const JITTER_STEPS: u32 = 256;

/// How often a transaction that lost a race is run again before its caller hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries(pub u8);

impl Retries {
    /// For work that has its own way to try again.
    pub const NONE: Self = Self(0);
}

/// For what is looked at with several statements and must be of one moment, such as a page and how many rows there are in all: all of
/// them see what was committed before the first, and none may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot;

/// How a transaction begins, and how often it is run again.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    begin: &'static str,
    retries: u8,
}

impl From<Retries> for Mode {
    fn from(Retries(retries): Retries) -> Self {
        Self { begin: "BEGIN", retries }
    }
}

impl From<Snapshot> for Mode {
    fn from(_: Snapshot) -> Self {
        Self { begin: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ..Retries::default().into() }
    }
}

impl Default for Retries {
    /// Eight: races between batches that lock in order are rare, and half a second of losing them is a symptom.
    fn default() -> Self {
        Self(8)
    }
}

/// An async closure that can be called again and whose future can cross threads. The compiler has no short way to say
/// this; every `async |connection| { .. }` that captures shared references only is one.
pub trait Work<Input, Output>:
    AsyncFn(Input) -> Output + Fn(Input) -> <Self as Work<Input, Output>>::Running
{
    /// The closure's future.
    type Running: Future<Output = Output>;
}

impl<F, Input, Output, Running> Work<Input, Output> for F
where
    F: AsyncFn(Input) -> Output + Fn(Input) -> Running,
    Running: Future<Output = Output>,
{
    type Running = Running;
}

/// Runs `work` in a transaction, in the mode of [`Retries`] or as a [`Snapshot`]: commits when it returns `Ok`, rolls back when it returns `Err`, and runs it again when
/// the failure is a serialization failure or a deadlock.
///
/// `work` may therefore run several times and must have no effect outside of the transaction.
///
/// Never wrap this in `timeout` or `select!`: the limits of a statement are the server's (see
/// [`DatabaseSettings`](crate::DatabaseSettings)). A caller that is dropped half-way costs the pool its connection and
/// the server a rollback; whether the commit had happened is then unknown, which is why effects are claimed in the
/// [`inbox`](crate::inbox). Whatever must run to its end runs in a supervised task.
///
/// # Errors
/// What `work` returned, or a [`DbError`] of the connection, `BEGIN` or `COMMIT`. After a failed `COMMIT` of class
/// [`Class::Pause`] the transaction may have happened.
#[expect(clippy::manual_async_fn, reason = "an `async fn` can not promise that its future crosses threads")]
pub fn transact<'a, T, E, F>(
    pool: &'a Pool,
    mode: impl Into<Mode> + Send + 'a,
    work: F,
) -> impl Future<Output = Result<T, E>> + Send + 'a
where
    for<'c> F: AsyncFn(&'c mut AsyncPgConnection) -> Result<T, E>
        + Work<&'c mut AsyncPgConnection, Result<T, E>, Running: Send>
        + Send
        + Sync
        + 'a,
    T: Send + 'a,
    E: Failure + Send + 'a,
{
    async move {
        let mode = mode.into();
        let mut left = mode.retries;
        let mut pause = PAUSE_MIN;
        // What was used a moment ago is not asked whether it still lives, and all in the pool may have died together.
        let mut dead_left = pool.status().open;
        loop {
            let error = match attempt(pool, mode, &work).await {
                Ok(value) => return Ok(value),
                Err(Failed::ToBegin(error)) => {
                    let Some(fewer) = dead_left.checked_sub(1).filter(|_| error.class() == Class::Pause)
                    else {
                        return Err(E::from(error));
                    };
                    dead_left = fewer;
                    continue;
                }
                Err(Failed::Begun(error)) => error,
            };
            let lost_race = error.database().is_some_and(|failure| failure.class() == Class::Retry);
            let Some(fewer) = left.checked_sub(1).filter(|_| lost_race) else { return Err(error) };
            left = fewer;
            tracing::debug!(retries_left = left, "transaction lost a race, runs again");
            tokio::time::sleep(jittered(pause)).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }
}

/// How far a transaction came that failed.
enum Failed<E> {
    /// Its connection had died in the pool: nothing has happened.
    ToBegin(DbError),
    /// Any other failure.
    Begun(E),
}

async fn attempt<T, E, F>(pool: &Pool, mode: Mode, work: &F) -> Result<T, Failed<E>>
where
    for<'c> F: AsyncFn(&'c mut AsyncPgConnection) -> Result<T, E>
        + Work<&'c mut AsyncPgConnection, Result<T, E>, Running: Send>,
    E: Failure,
{
    let mut lease = Lease(None);
    let connection =
        lease.0.insert(pool.get().await.map_err(|error| Failed::Begun(DbError::from(error).into()))?);
    // It stands for the check of a connection that was used a moment ago, and has its limit: the server may have gone without a word.
    let answer = AnsiTransactionManager::begin_transaction_sql(&mut **connection, mode.begin);
    let begun = timeout(pool.patience(), answer).await.unwrap_or_else(|_elapsed| Err(no_answer()));
    begun.map_err(|error| Failed::ToBegin(DbError::from(error)))?;
    let outcome = pool.wake_ups().watching(run(connection, work)).await;
    let is_spoilt = match &outcome {
        Err(error) => matches!(error.database(), Some(DbError::Query(error)) if costs_the_connection(error)),
        Ok(_) => false,
    };
    if !is_spoilt {
        lease.end();
    }
    outcome.map_err(Failed::Begun)
}

fn no_answer() -> diesel::result::Error {
    let why = String::from("the server has not answered BEGIN within database.recycle_timeout_ms");
    diesel::result::Error::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(why))
}

async fn run<T, E, F>(connection: &mut AsyncPgConnection, work: &F) -> Result<T, E>
where
    for<'c> F: AsyncFn(&'c mut AsyncPgConnection) -> Result<T, E>
        + Work<&'c mut AsyncPgConnection, Result<T, E>, Running: Send>,
    E: Failure,
{
    match work(connection).await {
        Ok(value) => {
            AnsiTransactionManager::commit_transaction(connection).await.map_err(DbError::from)?;
            Ok(value)
        }
        Err(error) => {
            // The first failure is the one to tell; the pool throws away what can not even roll back.
            if let Err(failure) = AnsiTransactionManager::rollback_transaction(connection).await {
                tracing::debug!(error = telemetry::chain(&failure), "rollback failed, connection dropped");
            }
            Err(error)
        }
    }
}

/// A connection that goes back to its pool only when its transaction has ended and it can be used again. A caller that is dropped half-way would
/// otherwise leave it in the pool as it is, its locks held until somebody else happens to take it out.
struct Lease(Option<PooledConnection>);

impl Lease {
    /// Gives the connection back.
    fn end(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Not ended, or spoilt: closed, so that the server rolls back at once.
        drop(self.0.take().map(PooledConnection::take));
    }
}

/// Between half and the whole of `pause`: two that lost to each other should not meet again.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let half = pause / 2;
    let random = getrandom::u32().unwrap_or(u32::MAX / 2) % JITTER_STEPS;
    half.saturating_add(half.saturating_mul(random) / JITTER_STEPS)
}
