//! Time makes Pending conversions Success. Any number of replicas sweep side by side: each takes what the others have not
//! locked. The clock is the database's, so replicas need not agree on the time, and none of them can release early.

use std::{sync::Arc, time::Duration};

use kernel::IdSource;
use postgres_kit::{DbError, Pool, Retries, transact};
use tokio_util::sync::CancellationToken;

use super::save::{self, Changed};
use crate::{
    domain::conversion::{Change, Conversion, on_due},
    store::{self, conversions},
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
    transact(pool, Retries::default(), async |connection| {
        let due = conversions::lock_due(connection, limit).await?;
        if due.is_empty() {
            return Ok::<_, DbError>(0);
        }
        let now = store::now(connection).await?;
        let released: Vec<(Change, &conversions::Stored)> =
            due.iter().filter_map(|stored| Some((on_due(&stored.conversion, now)?, stored))).collect();
        let rows: Vec<&Conversion> = released.iter().map(|(change, _)| &change.conversion).collect();
        conversions::change(connection, &rows).await?;
        let changes: Vec<Changed<'_>> =
            released.iter().map(|(change, stored)| Changed { change, trace: &stored.trace }).collect();
        save::consequences(connection, ids.as_ref(), now, &changes).await?;
        Ok(released.len())
    })
    .await
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
