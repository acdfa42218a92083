//! What time and late facts do to limits: a budget that was spent for the day resumes, and conversions that waited for their
//! offer's limits are counted. Any number of replicas sweep side by side; the lock of an offer makes each thing happen once.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use diesel_async::AsyncPgConnection;
use kernel::{IdSource, OfferId, TenantId};
use postgres_kit::{DbError, Pool, Retries, sqlstate::Class, transact};
use tokio_util::sync::CancellationToken;

use super::{
    counting,
    input_lag::InputLag,
    waited::{self, Means},
};
use crate::{
    domain::{conversion::on_offer, input_lag::patience_seconds},
    store::{self, conversions::Key, offers, waiting},
};

/// How the sweep goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two looks when nothing was to be done.
    pub poll: Duration,
    /// Offers, and conversions, of one transaction.
    pub batch: u16,
}

/// Looks again at up to `limit` budgets whose day is over, and returns how many there were.
///
/// # Errors
/// [`DbError`] when nothing was committed.
pub async fn resume_budgets(pool: &Pool, ids: &Arc<dyn IdSource>, limit: u16) -> Result<usize, DbError> {
    transact(pool, Retries::default(), async |connection| {
        let due = offers::resuming(connection, limit).await?;
        if due.is_empty() {
            return Ok::<_, DbError>(0);
        }
        let locked = counting::lock(connection, due.into_iter().collect()).await?;
        let now = store::now(connection).await?;
        counting::review_budgets(connection, ids.as_ref(), now, &locked, &BTreeSet::new()).await?;
        Ok(locked.len())
    })
    .await
}

/// Behind which offer the walk over those that something waits for goes on.
type Behind = Option<(TenantId, OfferId)>;

/// Counts up to `limit` conversions that waited for limits which are known by now, and returns how many there were, and
/// whether there are more. Time releases of them only what has been over for `patience_seconds`.
///
/// # Errors
/// [`DbError`] when nothing was committed.
async fn count_waiting(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    patience_seconds: i64,
    behind: &mut Behind,
    limit: u16,
) -> Result<(usize, bool), DbError> {
    let found = transact(pool, Retries::default(), async |connection| {
        Ok::<_, DbError>(waiting::in_vain(connection, *behind, limit).await?)
    })
    .await?;
    *behind = found.after;
    if found.conversions.is_empty() {
        return Ok((0, false));
    }
    let counted = match count_together(pool, ids, patience_seconds, &found.conversions).await {
        Err(error) if error.class() == Class::Bug => {
            count_one_by_one(pool, ids, patience_seconds, &found.conversions).await?
        }
        counted => counted?,
    };
    // What can not be counted is tried again at the next poll, not at once.
    Ok((counted, found.has_more && counted > 0))
}

async fn count_together(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    patience_seconds: i64,
    waiting: &[(Key, OfferId)],
) -> Result<usize, DbError> {
    transact(pool, Retries::default(), async |connection| {
        count(connection, ids, patience_seconds, waiting).await
    })
    .await
}

/// One conversion that can not be counted must not hold all others back. It is tried again with the next sweep.
async fn count_one_by_one(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    patience_seconds: i64,
    waiting: &[(Key, OfferId)],
) -> Result<usize, DbError> {
    let mut count = 0_usize;
    for one in waiting {
        match count_together(pool, ids, patience_seconds, std::slice::from_ref(one)).await {
            Ok(counted) => count = count.saturating_add(counted),
            Err(error) if error.class() == Class::Bug => {
                let ((tenant, conversion), _) = one;
                tracing::error!(
                    tenant.id = %tenant, conversion.id = %conversion, error = telemetry::chain(&error),
                    "a conversion can not be counted: it goes on waiting for its offer's limits"
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

async fn count(
    connection: &mut AsyncPgConnection,
    ids: &Arc<dyn IdSource>,
    patience_seconds: i64,
    waiting: &[(Key, OfferId)],
) -> Result<usize, DbError> {
    let held = waited::hold(connection, waiting.iter().copied()).await?;
    let counted =
        waited::decide(connection, ids.as_ref(), patience_seconds, &held, |_key, current, means| {
            let Means { rate, desk, now, released_until } = means;
            on_offer(current, rate, desk, now, released_until)
        });
    Ok(counted.await?)
}

/// Sweeps until the process stops.
pub async fn keep_following(
    pool: Pool,
    ids: Arc<dyn IdSource>,
    input: InputLag,
    pace: Pace,
    soft: CancellationToken,
) {
    let mut is_failing = false;
    let mut behind = None;
    while !soft.is_cancelled() {
        let patience = patience_seconds(input.doubt());
        match sweep(&pool, &ids, patience, &mut behind, pace.batch).await {
            Ok(has_more) => {
                if std::mem::take(&mut is_failing) {
                    tracing::info!("limits are followed again");
                }
                if has_more {
                    continue;
                }
            }
            Err(error) if is_failing => {
                tracing::debug!(error = telemetry::chain(&error), "limits can still not be followed");
            }
            Err(error) => {
                is_failing = true;
                tracing::warn!(error = telemetry::chain(&error), "limits can not be followed; trying again");
            }
        }
        tokio::select! {
            () = soft.cancelled() => {}
            () = tokio::time::sleep(pace.poll) => {}
        }
    }
}

/// One look at each of both; whether there is more to do at once.
async fn sweep(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    patience_seconds: i64,
    behind: &mut Behind,
    batch: u16,
) -> Result<bool, DbError> {
    let resumed = resume_budgets(pool, ids, batch).await?;
    let (counted, has_more) = count_waiting(pool, ids, patience_seconds, behind, batch).await?;
    if counted > 0 {
        tracing::info!(conversions.counted = counted, "limits have become known: what waited is decided");
    }
    // A full batch of budgets: more may be due.
    Ok(has_more || resumed >= usize::from(batch))
}
