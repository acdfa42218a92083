//! Journeys that a change of the catalog may decide anew, worked through in bounded steps.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::OfferId;
use postgres_kit::{DbError, Retries, transact};
use uuid::Uuid;

use super::{Attributor, judge_journeys::Docket, spans::Spans};
use crate::store::{
    self,
    catalog::Changed,
    journeys,
    rejudgements::{self, Rejudgement},
};

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
        let last = match work.offer {
            Some(offer) => self.rejudge_offer(connection, &work, offer, limit).await?,
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
    ) -> QueryResult<Option<Uuid>> {
        let keys = journeys::open_after(connection, work.tenant, offer, work.after, limit).await?;
        let is_last = keys.len() < usize::from(limit);
        let last = keys.last().map(|(_, click)| click.as_uuid()).filter(|_| !is_last);
        let locked = journeys::lock(connection, &keys).await?;
        let docket = Docket { journeys: locked, ..Docket::default() };
        self.judge_journeys(connection, docket, &Spans::default()).await?;
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
