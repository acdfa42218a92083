//! Journeys whose waiting time is over, in bounded steps that wait for nobody.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::Timestamp;
use postgres_kit::{DbError, Retries, transact};

use super::{Attributor, judge_journeys::Docket, spans::Spans};
use crate::store::{self, journeys};

impl Attributor {
    /// Judges at most `limit` journeys again that are due at `horizon`, in one transaction; whether there may be more.
    ///
    /// # Errors
    /// The database's.
    pub async fn sweep(&self, horizon: Timestamp, limit: u16) -> Result<bool, DbError> {
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(self.sweep_step(connection, horizon, limit).await?)
        })
        .await
    }

    async fn sweep_step(
        &self,
        connection: &mut AsyncPgConnection,
        horizon: Timestamp,
        limit: u16,
    ) -> QueryResult<bool> {
        store::hold_catalog(connection).await?;
        let locked = journeys::lock_due(connection, horizon, limit).await?;
        let more = locked.len() == usize::from(limit);
        if !locked.is_empty() {
            tracing::debug!(journeys = locked.len(), "waiting is over");
        }
        let docket = Docket { journeys: locked, horizon: Some(horizon), ..Docket::default() };
        self.judge_journeys(connection, docket, &Spans::default()).await?;
        Ok(more)
    }
}
