//! Sends what is in the outbox, for as long as the process lives.
//!
//! A pass deletes up to [`BATCH_FACTS`] rows nobody else is sending (`SKIP LOCKED`), hands them to the sink and commits
//! when the sink has confirmed. So a fact leaves the table only after the broker has it; a relay that dies gives its
//! rows back at once, with its connection; and any number of replicas relay side by side. There is no cursor: rows
//! become visible in the order of commits, not of their numbers, and a cursor would skip those that commit late.
//!
//! This is the one transaction that waits for the network. It may: it holds only rows that others skip, no longer than
//! [`SEND_TIME_MAX`], and none is opened while the sink says that it can not take anything.

use std::{ops::ControlFlow, time::Duration};

use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Binary, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::join;
use kernel::FactId;
use process::Supervisor;
use tokio::time::timeout;
use uuid::Uuid;

use super::{FACTS, Outgoing, Sink, SinkError};
use crate::{
    dead_items::{self, DeadItem},
    error::{DbError, Failure},
    gauges,
    kept::kept,
    lazy_commit::not_waited_for,
    plan_by_index::plan_by_index,
    pool::Pool,
    together::all,
    transact::{Retries, jittered, transact},
};

/// Facts of one pass: what the bus puts into one message.
const BATCH_FACTS: u16 = 512;
/// How often the outbox is looked at for what other processes have committed.
const POLL: Duration = Duration::from_millis(500);
/// Longest wait for the broker with a transaction open. Settings keep the server's own limit above it.
const SEND_TIME_MAX: Duration = Duration::from_secs(10);
/// First pause after a failure; doubled each time up to [`PAUSE_MAX`], with jitter.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Longest pause: the relay is back within two seconds of its broker or database.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// The name under which the relay buries.
const CONSUMER: &str = "outbox";

/// The task that empties the outbox.
#[derive(Debug, Clone, Copy)]
pub struct Relay;

impl Relay {
    /// Starts relaying to `sink`. It goes on while the process drains, for what the last batches commit; what is left
    /// when the work has ended waits for the next start or another replica.
    pub fn run<S: Sink>(pool: Pool, sink: S, supervisor: &Supervisor) {
        Self::run_gathering(pool, sink, Duration::ZERO, supervisor);
    }

    /// The same with a rest after each pass, for facts that nobody waits for: fewer and larger messages, here and for
    /// everybody who hears them. What is committed when there was nothing before is sent at once all the same.
    pub fn run_gathering<S: Sink>(pool: Pool, sink: S, rest: Duration, supervisor: &Supervisor) {
        gauges::watch(pool.clone(), supervisor);
        supervisor.spawn_support("outbox-relay", relay(pool, sink, rest, supervisor.clone()));
    }
}

async fn relay<S: Sink>(pool: Pool, sink: S, rest: Duration, supervisor: Supervisor) {
    let (mut pace, facts, stop) = (Pace::new(), pool.woken_by(FACTS), supervisor.soft());
    loop {
        let outcome = if sink.is_writable() {
            pass(&pool, &sink, pace.batch).await
        } else {
            Err(RelayError::Sink(SinkError::Unavailable(String::from("not connected"))))
        };
        let ControlFlow::Break(wait) = pace.after(outcome) else { continue };
        // What the last batches commit should not wait for the next start.
        drop(timeout(rest, stop.cancelled()).await);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // It says that there are facts, not that the broker is back.
            () = facts.notified(), if pace.is_well() => {}
        }
    }
}

/// How fast to go, from how it went.
struct Pace {
    batch: u16,
    /// Passes of one fact that are left until whole batches are tried again.
    singles_left: u16,
    pause: Duration,
    failing: bool,
}

impl Pace {
    const fn new() -> Self {
        Self { batch: BATCH_FACTS, singles_left: 0, pause: PAUSE_MIN, failing: false }
    }

    const fn is_well(&self) -> bool {
        !self.failing
    }

    /// Continue at once, or wait.
    fn after(&mut self, outcome: Result<Passed, RelayError>) -> ControlFlow<Duration> {
        match outcome {
            Ok(passed) => {
                if self.failing {
                    tracing::info!("outbox relay works again");
                }
                self.failing = false;
                self.pause = PAUSE_MIN;
                self.widen(passed);
                if passed.more { ControlFlow::Continue(()) } else { ControlFlow::Break(POLL) }
            }
            Err(RelayError::Sink(SinkError::Refused(_))) if self.batch > 1 => {
                self.singles_left = self.batch;
                self.batch = 1;
                ControlFlow::Continue(())
            }
            Err(error) => {
                // Once at the beginning: an outage of an hour is one line, and a gauge that grows.
                if !self.failing {
                    tracing::warn!(error = telemetry::chain(&error), "outbox relay can not send; facts wait");
                }
                self.failing = true;
                let wait = jittered(self.pause);
                self.pause = self.pause.saturating_mul(2).min(PAUSE_MAX);
                ControlFlow::Break(wait)
            }
        }
    }

    fn widen(&mut self, passed: Passed) {
        self.singles_left =
            if passed.buried || !passed.more { 0 } else { self.singles_left.saturating_sub(1) };
        if self.singles_left == 0 {
            self.batch = BATCH_FACTS;
        }
    }
}

/// What a pass did.
#[derive(Debug, Clone, Copy)]
struct Passed {
    /// The batch was full.
    more: bool,
    /// The one fact of the batch could not be sent.
    buried: bool,
}

#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Store(#[from] DbError),
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl From<diesel::result::Error> for RelayError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for RelayError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Sink(_) => None,
        }
    }
}

async fn pass<S: Sink>(pool: &Pool, sink: &S, batch: u16) -> Result<Passed, RelayError> {
    transact(pool, Retries::NONE, async |connection| {
        let facts = take(connection, batch).await?;
        let more = facts.len() >= usize::from(batch);
        if facts.is_empty() {
            return Ok(Passed { more, buried: false });
        }
        let single = if batch == 1 { facts.as_slice().first().cloned() } else { None };
        let sent = timeout(SEND_TIME_MAX, sink.send(facts)).await.unwrap_or_else(|_elapsed| {
            Err(SinkError::Unavailable(format!("no confirm within {} s", SEND_TIME_MAX.as_secs())))
        });
        match (sent, single) {
            (Ok(()), _) => Ok(Passed { more, buried: false }),
            (Err(SinkError::Refused(reason)), Some(fact)) => {
                bury(connection, fact, reason).await?;
                Ok(Passed { more, buried: true })
            }
            (Err(error), _) => Err(error.into()),
        }
    })
    .await
}

async fn take(connection: &mut AsyncPgConnection, batch: u16) -> Result<Vec<Outgoing>, DbError> {
    // By their places in the table: nobody updates these rows, so they stay where they were locked. The number is in the text, of which
    // there are two: with a parameter it would be planned anew at each pass. Planned once, and perhaps for a table that is empty now and
    // large a moment later, it must not read it whole; a connection that does not know it yet does not know what is sent before it either,
    // and prepares both in their order.
    let delete = sql_query(format!(
        "DELETE FROM outbox WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM outbox ORDER BY position LIMIT {batch} FOR UPDATE SKIP LOCKED
        )) RETURNING position, fact_id, exchange, routing_key, envelope"
    ));
    let mut connection: &AsyncPgConnection = connection;
    let ((), (), mut rows): (_, _, Vec<Row>) = all(join!(
        plan_by_index(connection),
        not_waited_for(connection),
        kept(delete).load(&mut connection)
    ))?;
    rows.sort_unstable_by_key(|row| row.position);
    Ok(rows.into_iter().map(Outgoing::from).collect())
}

async fn bury(connection: &mut AsyncPgConnection, fact: Outgoing, reason: String) -> Result<(), DbError> {
    tracing::error!(
        fact.id = %fact.fact_id,
        fact.exchange = fact.exchange,
        fact.routing_key = fact.routing_key,
        reason,
        "a fact can not be sent and is buried"
    );
    let item = DeadItem {
        tenant_id: None,
        fact_id: Some(fact.fact_id),
        fact: format!("{} {}", fact.exchange, fact.routing_key),
        item: fact.envelope,
        reason,
    };
    Ok(dead_items::bury(connection, CONSUMER, &[item]).await?)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = SqlUuid)]
    fact_id: Uuid,
    #[diesel(sql_type = Text)]
    exchange: String,
    #[diesel(sql_type = Text)]
    routing_key: String,
    #[diesel(sql_type = Binary)]
    envelope: Vec<u8>,
}

impl From<Row> for Outgoing {
    fn from(row: Row) -> Self {
        Self {
            fact_id: FactId::from_uuid(row.fact_id),
            exchange: row.exchange,
            routing_key: row.routing_key,
            envelope: row.envelope,
        }
    }
}
