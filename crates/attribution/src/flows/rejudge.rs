//! Journeys that a change of the catalog may decide anew, worked through in bounded steps.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::OfferId;
use postgres_kit::{DbError, Retries, transact};
use uuid::Uuid;

use super::{Attributor, judge_carefully::is_its_own_fault, judge_journeys::Docket, spans::Spans};
use crate::store::{
    self,
    catalog::Changed,
    journeys,
    rejudgements::{self, Rejudgement},
};

/// Whether a journey that can not be judged stops its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// It does.
    Together,
    /// It is passed over.
    Singly,
}

impl Attributor {
    /// One step of at most `limit` journeys, in one transaction; whether there may be more to do.
    ///
    /// # Errors
    /// The database's.
    #[tracing::instrument(name = "rejudge", skip_all)]
    pub async fn rejudge(&self, limit: u16) -> Result<bool, DbError> {
        let rejudged = self.rejudge_in_one(limit, Care::Together).await;
        match rejudged {
            Err(DbError::Query(error)) if is_its_own_fault(&error) => self.rejudge_singly(limit).await,
            rejudged => rejudged,
        }
    }

    /// The same, each journey in a transaction of its own. One that can not be judged is passed over.
    async fn rejudge_singly(&self, limit: u16) -> Result<bool, DbError> {
        for _ in 0..limit {
            if !self.rejudge_in_one(1, Care::Singly).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn rejudge_in_one(&self, limit: u16, care: Care) -> Result<bool, DbError> {
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(self.rejudge_step(connection, limit, care).await?)
        })
        .await
    }

    async fn rejudge_step(
        &self,
        connection: &mut AsyncPgConnection,
        limit: u16,
        care: Care,
    ) -> QueryResult<bool> {
        store::hold_catalog(connection).await?;
        let Some(work) = rejudgements::take(connection).await? else { return Ok(false) };
        let last = match work.offer {
            Some(offer) => self.rejudge_offer(connection, &work, offer, limit, care).await?,
            None => note_next_offer(connection, &work).await?,
        };
        rejudgements::advance(connection, &work, last).await?;
        Ok(true)
    }

    /// The last click id done; none at the end.
    async fn rejudge_offer(
        &self,
        connection: &mut AsyncPgConnection,
        work: &Rejudgement,
        offer: OfferId,
        limit: u16,
        care: Care,
    ) -> QueryResult<Option<Uuid>> {
        let keys = journeys::open_after(connection, work.tenant, offer, work.after, limit).await?;
        let is_last = keys.len() < usize::from(limit);
        let last = keys.last().map(|(_, click)| click.as_uuid()).filter(|_| !is_last);
        let locked = journeys::lock(connection, &keys).await?;
        let docket = Docket { journeys: locked, ..Docket::default() };
        match care {
            Care::Together => self.judge_journeys(connection, docket, &Spans::default()).await?,
            // Judged or not: the next step goes on behind it.
            Care::Singly => self.judge_carefully(connection, docket).await.map(drop)?,
        }
        Ok(last)
    }
}

/// The offer noted; none when all are.
async fn note_next_offer(
    connection: &mut AsyncPgConnection,
    work: &Rejudgement,
) -> QueryResult<Option<Uuid>> {
    let offer = journeys::next_open_offer(connection, work.tenant, work.after).await?;
    let changed =
        Changed { offers: offer.iter().map(|offer| (work.tenant, *offer)).collect(), ..Changed::default() };
    rejudgements::note(connection, &changed).await?;
    Ok(offer.map(OfferId::as_uuid))
}
