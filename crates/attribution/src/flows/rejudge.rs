//! Journeys that a change of the catalog may decide anew, worked through in bounded steps.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use postgres_kit::{DbError, Retries, transact};

use super::{Attributor, judge_journeys::Docket, spans::Spans};
use crate::store::{self, journeys, rejudgements};

impl Attributor {
    /// One step of at most `limit` journeys, in one transaction; whether there may be more to do.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "rejudge", skip_all)]
    pub async fn rejudge(&self, limit: u16) -> Result<bool, DbError> {
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(self.rejudge_step(connection, limit).await?)
        })
        .await
    }

    async fn rejudge_step(&self, connection: &mut AsyncPgConnection, limit: u16) -> QueryResult<bool> {
        store::hold_catalog(connection).await?;
        let Some(work) = rejudgements::take(connection).await? else { return Ok(false) };
        let keys = journeys::open_after(connection, work.tenant, work.offer, work.after, limit).await?;
        let is_last = keys.len() < usize::from(limit);
        let last = keys.last().map(|(_, click)| *click).filter(|_| !is_last);
        let locked = journeys::lock(connection, &keys).await?;
        self.judge_journeys(connection, Docket { journeys: locked, ..Docket::default() }, &Spans::default())
            .await?;
        rejudgements::advance(connection, &work, last).await?;
        Ok(true)
    }
}
