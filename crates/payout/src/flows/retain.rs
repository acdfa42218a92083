//! Removes what nothing asks for any more, in small transactions. Any number of replicas may do so.
//!
//! Counters of limits: what a decision gives back goes to the periods in which it was taken, whenever that was, but only the
//! present periods and all time are ever asked for room, and an amount that comes later for those of its taking. So counters of
//! periods that are over for longer than any pending time are history; the sum of all time is never removed, and `verify-ledger`
//! proves everything from the horizon on.
//!
//! Plans of bulk statuses: who decided what, and in which file, stands in `conversion_decisions` for ever.

use std::time::Duration;

use postgres_kit::{DbError, Pool};
use tokio_util::sync::CancellationToken;

use crate::store::retention;

/// Counters of one statement: it should never hold anyone up.
const ROWS: i64 = 5_000;

/// How long things are kept, and how often to look.
#[derive(Debug, Clone, Copy)]
pub struct Ages {
    /// Limits' counters, after the end of their period.
    pub usage_days: u16,
    /// Plans of bulk statuses, after their last line was worked off.
    pub bulk_days: u16,
    /// Between two looks.
    pub poll: Duration,
}

/// Sweeps until the process stops.
pub async fn keep_retaining(pool: Pool, ages: Ages, soft: CancellationToken) {
    while !soft.is_cancelled() {
        match sweep(&pool, ages, &soft).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(retention.rows = rows, "old counters and plans removed"),
            Err(error) => {
                tracing::warn!(error = telemetry::chain(&error), "can not remove old counters and plans");
            }
        }
        tokio::select! {
            () = soft.cancelled() => {}
            () = tokio::time::sleep(ages.poll) => {}
        }
    }
}

async fn sweep(pool: &Pool, ages: Ages, soft: &CancellationToken) -> Result<usize, DbError> {
    retention::move_horizon(&mut *pool.get().await?, ages.usage_days).await?;
    let mut total = 0_usize;
    while !soft.is_cancelled() {
        let usage = retention::remove_usage(&mut *pool.get().await?, ROWS).await?;
        let plans = retention::remove_bulk(&mut *pool.get().await?, ages.bulk_days).await?;
        let removed = usage.saturating_add(plans);
        total = total.saturating_add(removed);
        if removed == 0 {
            break;
        }
    }
    Ok(total)
}
