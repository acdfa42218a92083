//! Time makes Pending conversions Success. Any number of replicas sweep side by side: each takes what the others have not
//! locked. The clock is the database's, so replicas need not agree on the time, and none of them can release early.

use std::{sync::Arc, time::Duration};

use diesel_async::AsyncPgConnection;
use kernel::IdSource;
use postgres_kit::{DbError, Pool, Retries, sqlstate::Class, transact};
use tokio_util::sync::CancellationToken;

use super::save::{self, Changed};
use crate::{
    domain::conversion::{Change, Conversion, on_due},
    store::{
        self,
        conversions::{self, Stored},
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

/// Releases up to `limit` conversions that are due, and returns how many.
///
/// # Errors
/// [`DbError`] when nothing was committed.
pub async fn release_holds(pool: &Pool, ids: &Arc<dyn IdSource>, limit: u16) -> Result<usize, DbError> {
    let released = transact(pool, Retries::default(), async |connection| {
        let due = conversions::lock_due(connection, limit).await?;
        release(connection, ids, &due).await
    })
    .await;
    match released {
        Err(error) if error.class() == Class::Bug => release_one_by_one(pool, ids, limit).await,
        released => released,
    }
}

/// One conversion that can not be released must not hold all others back, for ever. It is put off.
async fn release_one_by_one(pool: &Pool, ids: &Arc<dyn IdSource>, limit: u16) -> Result<usize, DbError> {
    let due = transact(pool, Retries::default(), async |connection| {
        Ok::<_, DbError>(conversions::due_keys(connection, limit).await?)
    })
    .await?;
    let mut count = 0_usize;
    for key in due {
        let released = transact(pool, Retries::default(), async |connection| {
            let stored: Vec<Stored> = conversions::lock(connection, &[key]).await?.into_values().collect();
            release(connection, ids, &stored).await
        })
        .await;
        match released {
            Ok(released) => count = count.saturating_add(released),
            Err(error) if error.class() == Class::Bug => {
                tracing::error!(
                    tenant.id = %key.0, conversion.id = %key.1, error = telemetry::chain(&error),
                    "a conversion can not be released: it is put off for an hour"
                );
                transact(pool, Retries::default(), async |connection| {
                    Ok::<_, DbError>(conversions::put_off(connection, key).await?)
                })
                .await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(count)
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

/// Sweeps until the process stops.
pub async fn keep_releasing(pool: Pool, ids: Arc<dyn IdSource>, pace: Pace, soft: CancellationToken) {
    let mut is_failing = false;
    while !soft.is_cancelled() {
        match release_holds(&pool, &ids, pace.batch).await {
            Ok(released) => {
                if std::mem::take(&mut is_failing) {
                    tracing::info!("holds are released again");
                }
                if released > 0 {
                    tracing::debug!(holds.released = released, "pending times are over");
                }
                // A full batch: more may be due.
                if released >= usize::from(pace.batch) {
                    continue;
                }
            }
            Err(error) if is_failing => {
                tracing::debug!(error = telemetry::chain(&error), "holds can still not be released");
            }
            Err(error) => {
                is_failing = true;
                tracing::warn!(error = telemetry::chain(&error), "holds can not be released; trying again");
            }
        }
        tokio::select! {
            () = soft.cancelled() => {}
            () = tokio::time::sleep(pace.poll) => {}
        }
    }
}
