//! A batch of what payout says: people's decisions go to their journeys, statuses and the ends of deliveries are kept.

use std::collections::{BTreeMap, BTreeSet};

use contracts::envelope::Envelope;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use futures_util::join;
use postgres_kit::{DbError, Retries, all, transact};

use super::{Attributor, FlowError, judge_journeys::Docket, spans::Spans};
use crate::{
    facts::{self, DecidedByPerson, EndOfDelivery, OfPayout, StatusOfConversion},
    store::{self, JourneyKey, journeys, payout},
};

/// What a batch says, each thing once.
#[derive(Debug, Default)]
struct Batch {
    decided: Vec<DecidedByPerson>,
    statuses: Vec<StatusOfConversion>,
    deliveries: Vec<EndOfDelivery>,
}

impl Attributor {
    /// Takes a batch, in one transaction. Idempotent without an inbox: a decision is known by its id, of a status and of
    /// a delivery the highest number wins.
    ///
    /// # Errors
    /// [`FlowError`]; nothing was taken then.
    #[tracing::instrument(name = "record payout", skip_all, fields(batch.items = items.len()))]
    pub async fn record_payout(&self, items: &[Envelope]) -> Result<(), FlowError> {
        let mut read = Vec::with_capacity(items.len());
        for item in items {
            read.extend(facts::of_payout(item)?);
        }
        let batch = once_each(read);
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(self.take_payout(connection, &batch).await?)
        })
        .await?;
        Ok(())
    }

    async fn take_payout(&self, connection: &mut AsyncPgConnection, batch: &Batch) -> QueryResult<()> {
        let ((), ()) = all(join!(
            payout::save_statuses(connection, &batch.statuses),
            payout::save_deliveries(connection, &batch.deliveries)
        ))?;
        if batch.decided.is_empty() {
            return Ok(());
        }
        store::hold_catalog(connection).await?;
        let keys: BTreeSet<JourneyKey> = batch.decided.iter().map(|one| (one.tenant, one.click)).collect();
        // The stub keeps a decision that comes before its click and postbacks.
        let mut journeys = journeys::make_and_lock(connection, &keys).await?;
        let erased: BTreeSet<JourneyKey> =
            journeys.iter().filter(|journey| journey.erased).map(|journey| journey.key).collect();
        let mut decided = batch.decided.clone();
        for one in decided.iter_mut().filter(|one| erased.contains(&(one.tenant, one.click))) {
            // What people write about somebody who is forgotten may name them.
            one.reason.clear();
        }
        let stirred = payout::save_decisions(connection, &decided).await?;
        journeys.retain(|journey| stirred.contains(&journey.key));
        let docket = Docket { journeys, ..Docket::default() };
        self.judge_journeys(connection, docket, &Spans::default()).await
    }
}

/// In the order of their keys, so that two batches never wait for each other in a circle; of several about the same
/// thing the newest.
fn once_each(read: Vec<OfPayout>) -> Batch {
    let mut decided = BTreeMap::new();
    let mut statuses: BTreeMap<_, StatusOfConversion> = BTreeMap::new();
    let mut deliveries: BTreeMap<_, EndOfDelivery> = BTreeMap::new();
    for one in read {
        match one {
            OfPayout::Decided(one) => {
                decided.insert((one.tenant, one.click, one.decision.id), one);
            }
            OfPayout::Status(one) => {
                let key = (one.tenant, one.click, one.conversion);
                if statuses.get(&key).is_none_or(|known| known.revision < one.revision) {
                    statuses.insert(key, one);
                }
            }
            OfPayout::Delivery(one) => {
                let key = (one.tenant, one.conversion, one.delivery);
                if deliveries.get(&key).is_none_or(|known| known.version < one.version) {
                    deliveries.insert(key, one);
                }
            }
        }
    }
    Batch {
        decided: decided.into_values().collect(),
        statuses: statuses.into_values().collect(),
        deliveries: deliveries.into_values().collect(),
    }
}
