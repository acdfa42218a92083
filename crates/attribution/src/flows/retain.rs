//! Forgetting: days of raw postbacks and of decisions that are older than the settings keep.

use postgres_kit::{DbError, Retries, transact};

use super::Attributor;
use crate::store::partitions::{self, Kept};

/// Rows of the default partition that one statement deletes: it holds what came for a day without a partition, a few.
const DEFAULT_ROWS: i64 = 10_000;

/// How long days are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Days of raw postbacks.
    pub raw_days: u16,
    /// Days of decisions with their traces.
    pub decision_days: u16,
}

impl Attributor {
    /// Drops every day that is too old, each in a transaction of its own; how many.
    ///
    /// # Errors
    /// The database's; what was dropped until then is gone.
    pub async fn forget_old_days(&self, retention: Retention) -> Result<usize, DbError> {
        let kept = [(Kept::Postbacks, retention.raw_days), (Kept::Decisions, retention.decision_days)];
        let mut dropped = 0_usize;
        for (table, days) in kept {
            while let Some(partition) = self.drop_one(table, days).await? {
                tracing::info!(partition, "a day is older than it is kept, and dropped");
                dropped = dropped.saturating_add(1);
            }
            while self.delete_strays(table, days).await? == usize::try_from(DEFAULT_ROWS).unwrap_or_default()
            {
            }
        }
        Ok(dropped)
    }

    async fn drop_one(&self, table: Kept, days: u16) -> Result<Option<String>, DbError> {
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(partitions::drop_oldest(connection, table, days).await?)
        })
        .await
    }

    async fn delete_strays(&self, table: Kept, days: u16) -> Result<usize, DbError> {
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(partitions::delete_strays(connection, table, days, DEFAULT_ROWS).await?)
        })
        .await
    }
}
