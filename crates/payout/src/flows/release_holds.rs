//! Time makes Pending conversions Success. Any number of replicas sweep side by side: each takes what the others have not
//! locked. The clock is the database's, so replicas need not agree on the time, and none of them can release early.
//!
//! What waited longest is released first. When more is over than one batch takes, the batches behind it are shared among publishers
//! until one is not full: half a million holds of one, over at the same moment, make nobody else wait.
//!
//! While input lags nothing is released that has not been over for a day: a veto may stand in the queue, and a queue that is
//! never read must not keep publishers' money for ever.

use std::{sync::Arc, time::Duration};

use diesel_async::AsyncPgConnection;
use kernel::IdSource;
use postgres_kit::{DbError, Pool, Retries, sqlstate::Class, transact};
use tokio_util::sync::CancellationToken;

use super::{
    input_lag::InputLag,
    save::{self, Changed},
};
use crate::{
    domain::{
        conversion::{Change, Conversion, on_due},
        input_lag::{Doubt, HELD_BACK_SECONDS_MAX, News, Watch, patience_seconds},
    },
    failpoints,
    metrics::Metrics,
    store::{
        self,
        conversions::{self, Key, Stored},
        deliveries::PublisherKey,
        due_holds, hold_shares,
    },
};

/// How the sweep goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two looks when nothing was due.
    pub poll: Duration,
    /// Conversions of one transaction.
    pub batch: u16,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, Default)]
struct Turns {
    /// The last batch was full, whatever became of it: more may be due, and is shared among publishers.
    is_shared: bool,
    /// Behind whom the next walk over publishers begins; none: at the first.
    after: Option<PublisherKey>,
}

/// What the sweep works with.
pub struct Releaser {
    /// Payout's database.
    pub pool: Pool,
    /// Names the facts that follow.
    pub ids: Arc<dyn IdSource>,
    /// Says when nothing may be released.
    pub input: InputLag,
    /// For the on-call person.
    pub metrics: Metrics,
    /// How it goes about it.
    pub pace: Pace,
}

impl Releaser {
    /// Sweeps until the process stops. `is_connected` says whether the queue can be read.
    pub async fn run(self, is_connected: impl Fn() -> bool + Send, soft: CancellationToken) {
        let mut is_failing = false;
        let (mut watch, mut turns) = (Watch::default(), Turns::default());
        while !soft.is_cancelled() {
            match self.sweep(is_connected(), &mut watch, &mut turns).await {
                Ok(released) => {
                    if std::mem::take(&mut is_failing) {
                        tracing::info!("holds are released again");
                    }
                    if released > 0 {
                        tracing::debug!(holds.released = released, "pending times are over");
                    }
                    if turns.is_shared {
                        continue;
                    }
                }
                Err(error) if is_failing => {
                    tracing::debug!(error = telemetry::chain(&error), "holds can still not be released");
                }
                Err(error) => {
                    is_failing = true;
                    tracing::warn!(
                        error = telemetry::chain(&error),
                        "holds can not be released; trying again"
                    );
                }
            }
            tokio::select! {
                () = soft.cancelled() => {}
                () = tokio::time::sleep(self.pace.poll) => {}
            }
        }
        self.input.leave(&self.pool).await;
    }

    async fn sweep(
        &self,
        is_connected: bool,
        watch: &mut Watch,
        turns: &mut Turns,
    ) -> Result<usize, DbError> {
        let doubt = self.input.look(&self.pool, is_connected).await?;
        let released = self.release(patience_seconds(doubt), turns).await?;
        let overdue = match doubt {
            Some(_) => self.oldest_overdue_seconds().await?,
            None => None,
        };
        self.metrics.holds_overdue(overdue.unwrap_or_default());
        if let Some(news) = watch.news(self.input.now(), doubt.is_some(), overdue, released > 0) {
            report(news, doubt, overdue);
        }
        Ok(released)
    }

    async fn oldest_overdue_seconds(&self) -> Result<Option<i64>, DbError> {
        let mut connection = self.pool.get().await?;
        Ok(due_holds::oldest_overdue_seconds(&mut connection).await?)
    }

    /// Releases up to a batch of conversions whose hold has been over for `seconds`, and returns how many.
    async fn release(&self, seconds: i64, turns: &mut Turns) -> Result<usize, DbError> {
        let (batch, before) = (self.pace.batch, *turns);
        let released = transact(&self.pool, Retries::default(), async |connection| {
            let (due, after) = if before.is_shared {
                let chosen = hold_shares::lock(connection, seconds, batch, before.after).await?;
                let stored = conversions::lock(connection, &chosen.keys).await?;
                (stored.into_values().collect(), chosen.after)
            } else {
                (due_holds::lock_due(connection, seconds, batch).await?, before.after)
            };
            let next = Turns { is_shared: due.len() >= usize::from(batch), after };
            Ok::<_, DbError>((release(connection, &self.ids, &due).await?, next))
        })
        .await;
        let (released, next) = match released {
            Err(error) if error.class() == Class::Bug => self.release_one_by_one(seconds, before).await?,
            released => released?,
        };
        *turns = next;
        if released > 0 {
            failpoints::released();
        }
        Ok(released)
    }

    /// The same batch by name, and whose turn it is then. It is locked no longer than until it is known.
    async fn next_keys(&self, seconds: i64, turns: Turns) -> Result<(Vec<Key>, Turns), DbError> {
        let batch = self.pace.batch;
        let (keys, after) = transact(&self.pool, Retries::default(), async |connection| {
            if turns.is_shared {
                let chosen = hold_shares::lock(connection, seconds, batch, turns.after).await?;
                return Ok::<_, DbError>((chosen.keys, chosen.after));
            }
            Ok((due_holds::due_keys(connection, seconds, batch).await?, turns.after))
        })
        .await?;
        let is_shared = keys.len() >= usize::from(batch);
        Ok((keys, Turns { is_shared, after }))
    }

    /// One conversion that can not be released must not hold all others back, for ever. It is put off.
    async fn release_one_by_one(&self, seconds: i64, turns: Turns) -> Result<(usize, Turns), DbError> {
        let (due, next) = self.next_keys(seconds, turns).await?;
        let mut count = 0_usize;
        for key in due {
            let released = transact(&self.pool, Retries::default(), async |connection| {
                let stored: Vec<Stored> =
                    conversions::lock(connection, &[key]).await?.into_values().collect();
                release(connection, &self.ids, &stored).await
            })
            .await;
            match released {
                Ok(released) => count = count.saturating_add(released),
                Err(error) if error.class() == Class::Bug => {
                    tracing::error!(
                        tenant.id = %key.0, conversion.id = %key.1, error = telemetry::chain(&error),
                        "a conversion can not be released: it is put off for an hour"
                    );
                    transact(&self.pool, Retries::default(), async |connection| {
                        Ok::<_, DbError>(due_holds::put_off(connection, key).await?)
                    })
                    .await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok((count, next))
    }
}

async fn release(
    connection: &mut AsyncPgConnection,
    ids: &Arc<dyn IdSource>,
    due: &[Stored],
) -> Result<usize, DbError> {
    if due.is_empty() {
        return Ok(0);
    }
    let now = store::now(connection).await?;
    let released: Vec<(Change, &Stored)> =
        due.iter().filter_map(|stored| Some((on_due(&stored.conversion, now)?, stored))).collect();
    let rows: Vec<&Conversion> = released.iter().map(|(change, _)| &change.conversion).collect();
    conversions::change(connection, &rows).await?;
    let changes: Vec<Changed<'_>> = released
        .iter()
        .map(|(change, stored)| Changed { change, trace: &stored.trace, token: None })
        .collect();
    save::consequences(connection, ids.as_ref(), now, &changes).await?;
    Ok(released.len())
}

/// Says what somebody must know, once.
fn report(news: News, doubt: Option<Doubt>, overdue_seconds: Option<i64>) {
    let overdue_seconds = overdue_seconds.unwrap_or_default();
    let why = doubt.map_or("", Doubt::why);
    match news {
        News::HeldBack => tracing::error!(
            holds.overdue_seconds = overdue_seconds,
            why,
            "holds are held back, for vetoes may be on their way: publishers' money waits"
        ),
        News::ReleasedAllTheSame => tracing::error!(
            holds.held_back_seconds = HELD_BACK_SECONDS_MAX,
            why,
            "holds were held back for as long as they may be: they are released although input lags"
        ),
        News::Over => tracing::info!("verdicts are read as they come: holds are not held back any more"),
    }
}
