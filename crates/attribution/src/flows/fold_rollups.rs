//! Keeps the rollups small, and counts them anew when somebody doubts them.

use chrono::TimeDelta;
use postgres_kit::{DbError, Pool, Retries, transact};

use super::Attributor;
use crate::store::{self, rollups};

/// Deltas of one transaction: a bound on its locks and its time.
const FOLD_ROWS: i64 = 5_000;

impl Attributor {
    /// Folds deltas in until there are none left to take.
    ///
    /// # Errors
    /// The database's.
    pub async fn fold_rollups(&self) -> Result<(), DbError> {
        loop {
            let folded = transact(&self.pool, Retries::default(), async |connection| {
                Ok::<_, DbError>(rollups::fold(connection, FOLD_ROWS).await?)
            })
            .await?;
            if i64::try_from(folded).unwrap_or(i64::MAX) < FOLD_ROWS {
                return Ok(());
            }
        }
    }
}

/// Counts every hour of which decisions are kept anew, a day in a transaction; how many rows that makes. Nobody judges
/// while a day is counted. Hours whose decisions are gone keep their counts.
///
/// # Errors
/// The database's.
pub async fn rebuild_rollups(pool: &Pool) -> Result<usize, DbError> {
    let mut connection = pool.get().await?;
    let span = rollups::kept_hours(&mut connection).await?;
    drop(connection);
    let Some((first, last)) = span else { return Ok(0) };
    let mut from = first;
    let mut rows = 0_usize;
    while from <= last {
        let Some(until) = from.checked_add_signed(TimeDelta::days(1)) else { break };
        let made = transact(pool, Retries::default(), async |connection| {
            store::change_catalog(connection).await?;
            Ok::<_, DbError>(rollups::rebuild(connection, from, until).await?)
        })
        .await?;
        rows = rows.saturating_add(made);
        from = until;
    }
    Ok(rows)
}
