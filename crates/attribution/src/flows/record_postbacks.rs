//! A batch of postbacks: keep them raw, meet their journeys, decide.

use std::collections::{BTreeMap, BTreeSet};

use contracts::envelope::Envelope;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use fail::fail_point;
use futures_util::join;
use kernel::{FactId, Timestamp};
use postgres_kit::{DbError, Retries, all, inbox, transact};

use super::{
    Attributor, FlowError, POSTBACKS, facets::facets_without_click, forget::of_the_forgotten,
    judge_journeys::Docket, spans::Spans,
};
use crate::{
    domain::judge_without_click,
    facts::{self, Received},
    store::{self, JourneyKey, catalog, decisions::DecisionRow, journeys, postbacks},
};

impl Attributor {
    /// Takes a batch: every postback gets its decision, every conversion that changed is told, in one transaction.
    /// What was taken before has no effect again.
    ///
    /// # Errors
    /// [`FlowError`]; nothing was taken then.
    #[tracing::instrument(name = "record postbacks", skip_all, fields(batch.items = items.len()))]
    pub async fn record_postbacks(&self, items: &[Envelope]) -> Result<(), FlowError> {
        let batch = items.iter().map(facts::received).collect::<Result<Vec<Received>, _>>()?;
        let spans = Spans::of(&batch);
        let now = self.clock.now();
        let times = || batch.iter().map(|one| one.stamped.received_at);
        let oldest = times().min().unwrap_or(now);
        self.meters.input_lag(now.micros_since(oldest).max(0));
        let _in_hand = self.input.begins(self.clock.as_ref(), oldest);
        // Stamps and not the clock: a backlog is judged as if it were read when it came.
        let horizon = times().max().unwrap_or(now).min(now);
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(self.take_postbacks(connection, items, &batch, &spans, horizon).await?)
        })
        .await?;
        committed();
        Ok(())
    }

    async fn take_postbacks(
        &self,
        connection: &mut AsyncPgConnection,
        items: &[Envelope],
        batch: &[Received],
        spans: &Spans,
        horizon: Timestamp,
    ) -> QueryResult<()> {
        let ((), fresh) = all(join!(store::hold_catalog(connection), claim(connection, batch)))?;
        if fresh.is_empty() {
            return Ok(());
        }
        let keys: BTreeSet<JourneyKey> = fresh.iter().filter_map(|one| one.journey()).collect();
        let mut locked = journeys::make_and_lock(connection, &keys).await?;
        let forgotten = of_the_forgotten(&fresh, &locked);
        let fresh = in_place_of(fresh, &forgotten);
        let raw = fresh.clone();
        let mut by_journey: BTreeMap<JourneyKey, Vec<&Received>> = BTreeMap::new();
        let mut homeless = Vec::new();
        for one in fresh {
            match one.journey() {
                Some(key) => by_journey.entry(key).or_default().push(one),
                None => homeless.push(one),
            }
        }
        let known = postbacks::load_of_journeys(connection, &keys).await?;
        self.turn_away(connection, items, &known, &mut by_journey).await?;
        locked.retain(|journey| by_journey.contains_key(&journey.key));
        let docket = Docket {
            journeys: locked,
            known: Some(known),
            fresh: by_journey,
            raw,
            oldest: batch.iter().map(|one| one.stamped.received_at).min(),
            horizon: Some(horizon),
            decided: decide_homeless(connection, &homeless).await?,
        };
        self.judge_journeys(connection, docket, spans).await
    }
}

/// The same postbacks, those that are in `instead` as they are there.
fn in_place_of<'a>(fresh: Vec<&'a Received>, instead: &'a [Received]) -> Vec<&'a Received> {
    let find = |one: &'a Received| instead.iter().find(|left| left.stamped.receipt == one.stamped.receipt);
    fresh.into_iter().map(|one| find(one).unwrap_or(one)).collect()
}

/// The postbacks that nobody has taken before, each once.
async fn claim<'a>(connection: &AsyncPgConnection, batch: &'a [Received]) -> QueryResult<Vec<&'a Received>> {
    let id = |one: &Received| FactId::from_uuid(one.stamped.receipt.as_uuid());
    let ids: Vec<FactId> = batch.iter().map(id).collect();
    let mut first = inbox::claim(connection, POSTBACKS, &ids).await?;
    Ok(batch.iter().filter(|one| first.remove(&id(one))).collect())
}

/// Postbacks without a usable click id belong to no journey and are decided on the spot.
async fn decide_homeless(
    connection: &mut AsyncPgConnection,
    homeless: &[&Received],
) -> QueryResult<Vec<DecisionRow>> {
    let tenants = homeless.iter().map(|one| one.tenant).collect();
    let known = catalog::load_tenants(connection, &tenants).await?;
    let decide = |one: &&Received| {
        let facts = known.get(&one.tenant).cloned().unwrap_or_default();
        let (code, trace) = judge_without_click(&one.parsed, &facts);
        DecisionRow {
            tenant: one.tenant,
            received_at: one.stamped.received_at,
            receipt: one.stamped.receipt,
            click: None,
            revision: 1,
            code,
            trace,
            facets: facets_without_click(&one.parsed),
        }
    };
    Ok(homeless.iter().map(decide).collect())
}

/// Between the commit and the acknowledgement: a process that ends here gets its batch again. `return` ends it.
fn committed() {
    fail_point!("attribution::committed", |_action| std::process::abort());
}
