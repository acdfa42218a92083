//! What time and late facts do to limits: a budget that was spent for the day resumes, and conversions that waited for their
//! offer's limits are counted. Any number of replicas sweep side by side; the lock of an offer makes each thing happen once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use diesel_async::AsyncPgConnection;
use kernel::{IdSource, OfferId, TenantId};
use postgres_kit::{DbError, Pool, Retries, sqlstate::Class, transact};
use tokio_util::sync::CancellationToken;

use super::{
    counting,
    save::{self, Changed},
};
use crate::{
    domain::conversion::{Change, Conversion, on_offer},
    store::{
        self,
        conversions::{self, Key, Stored},
        offers, tenants, waiting,
    },
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

/// Counts up to `limit` conversions that waited for limits which are known by now, and returns how many there were.
///
/// # Errors
/// [`DbError`] when nothing was committed.
pub async fn count_waiting(pool: &Pool, ids: &Arc<dyn IdSource>, limit: u16) -> Result<usize, DbError> {
    let waiting = transact(pool, Retries::default(), async |connection| {
        Ok::<_, DbError>(waiting::in_vain(connection, limit).await?)
    })
    .await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    match count_together(pool, ids, &waiting).await {
        Err(error) if error.class() == Class::Bug => count_one_by_one(pool, ids, &waiting).await,
        counted => counted,
    }
}

async fn count_together(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    waiting: &[(Key, OfferId)],
) -> Result<usize, DbError> {
    transact(pool, Retries::default(), async |connection| count(connection, ids, waiting).await).await
}

/// One conversion that can not be counted must not hold all others back. It is tried again with the next sweep.
async fn count_one_by_one(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    waiting: &[(Key, OfferId)],
) -> Result<usize, DbError> {
    let mut count = 0_usize;
    for one in waiting {
        match count_together(pool, ids, std::slice::from_ref(one)).await {
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
    waiting: &[(Key, OfferId)],
) -> Result<usize, DbError> {
    let offers = waiting.iter().map(|((tenant, _), offer)| (*tenant, *offer)).collect();
    let offers = counting::lock(connection, offers).await?;
    let keys: BTreeSet<Key> = waiting.iter().map(|(key, _)| *key).collect();
    let stored = conversions::lock(connection, &keys.into_iter().collect::<Vec<_>>()).await?;
    let tenants: BTreeSet<TenantId> = waiting.iter().map(|((tenant, _), _)| *tenant).collect();
    let rates = tenants::rates(connection, &tenants.into_iter().collect::<Vec<_>>()).await?;
    let now = store::now(connection).await?;
    let current = || stored.values().map(|stored| &stored.conversion);
    let subjects = current().map(|conversion| conversion.subject);
    let mut desk = counting::desk(connection, &offers, subjects, current(), now).await?;

    // What came first is counted first.
    let in_order: BTreeMap<_, &Stored> =
        stored.iter().map(|(key, stored)| ((stored.conversion.occasion.received_at, *key), stored)).collect();
    let counted: Vec<(Change, &Stored)> = in_order
        .into_values()
        .filter_map(|stored| {
            let tenant = stored.conversion.subject.tenant;
            let rate = |from, to| rates.find(tenant, from, to);
            Some((on_offer(&stored.conversion, &rate, &mut desk, now)?, stored))
        })
        .collect();
    let rows: Vec<&Conversion> = counted.iter().map(|(change, _)| &change.conversion).collect();
    conversions::change(connection, &rows).await?;
    let changes: Vec<Changed<'_>> = counted
        .iter()
        .map(|(change, stored)| Changed { change, trace: &stored.trace, token: None })
        .collect();
    save::consequences(connection, ids.as_ref(), now, &changes).await?;
    counting::close(connection, ids.as_ref(), now, &offers, &desk).await?;
    Ok(counted.len())
}

/// Sweeps until the process stops.
pub async fn keep_following(pool: Pool, ids: Arc<dyn IdSource>, pace: Pace, soft: CancellationToken) {
    let mut is_failing = false;
    while !soft.is_cancelled() {
        match sweep(&pool, &ids, pace.batch).await {
            Ok(most) => {
                if std::mem::take(&mut is_failing) {
                    tracing::info!("limits are followed again");
                }
                // A full batch: more may be due.
                if most >= usize::from(pace.batch) {
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

async fn sweep(pool: &Pool, ids: &Arc<dyn IdSource>, batch: u16) -> Result<usize, DbError> {
    let resumed = resume_budgets(pool, ids, batch).await?;
    let counted = count_waiting(pool, ids, batch).await?;
    if counted > 0 {
        tracing::info!(conversions.counted = counted, "limits have become known: what waited is decided");
    }
    Ok(resumed.max(counted))
}
