//! Journeys whose waiting time is over, in bounded steps that wait for nobody.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::Timestamp;
use postgres_kit::{DbError, Retries, transact};

use super::{Attributor, judge_carefully::is_its_own_fault, judge_journeys::Docket, spans::Spans};
use crate::store::{self, journeys};

/// How long a journey that can not be judged is left alone.
const PUT_OFF_SECONDS: i64 = 3_600;

impl Attributor {
    /// Judges at most `limit` journeys again that are due at `horizon`, in one transaction; whether there may be more.
    ///
    /// # Errors
    /// The database's.
    pub async fn sweep(&self, horizon: Timestamp, limit: u16) -> Result<bool, DbError> {
        let swept = transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(self.sweep_step(connection, horizon, limit).await?)
        })
        .await;
        match swept {
            Err(DbError::Query(error)) if is_its_own_fault(&error) => self.sweep_singly(horizon, limit).await,
            swept => swept,
        }
    }

    /// The same, each journey in a transaction of its own. One that can not be judged is put off, so that those behind
    /// it get their turn.
    async fn sweep_singly(&self, horizon: Timestamp, limit: u16) -> Result<bool, DbError> {
        let later = self.clock.now().saturating_add_seconds(PUT_OFF_SECONDS);
        for _ in 0..limit {
            let more = transact(&self.pool, Retries::default(), async |connection| {
                Ok::<_, DbError>(self.sweep_one(connection, horizon, later).await?)
            })
            .await?;
            if !more {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn sweep_one(
        &self,
        connection: &mut AsyncPgConnection,
        horizon: Timestamp,
        later: Timestamp,
    ) -> QueryResult<bool> {
        store::hold_catalog(connection).await?;
        let journeys = journeys::lock_due(connection, horizon, 1).await?;
        let Some(key) = journeys.first().map(|journey| journey.key) else { return Ok(false) };
        let docket = Docket { journeys, horizon: Some(horizon), ..Docket::default() };
        if !self.judge_carefully(connection, docket).await? {
            journeys::put_off(connection, key, later).await?;
        }
        Ok(true)
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
