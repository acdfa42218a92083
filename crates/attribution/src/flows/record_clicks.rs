//! A batch of clicks: give them to their journeys, decide what waited for them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use contracts::{ContractError, envelope::Envelope, open, read, tracker::ClickRecorded};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{ClickId, FactId, TenantId};
use postgres_kit::{DbError, Retries, inbox, transact};

use super::{Attributor, CLICKS, FlowError, judge_journeys::Docket, spans::Spans};
use crate::{
    facts,
    store::{
        self, JourneyKey, inconsistent,
        journeys::{self, ClickRow},
        named,
    },
};

impl Attributor {
    /// Takes a batch of clicks, in one transaction. A click that is known already changes nothing; with other content
    /// it is an alarm, and the first one stays.
    ///
    /// # Errors
    /// [`FlowError`]; nothing was taken then.
    #[tracing::instrument(name = "record clicks", skip_all, fields(batch.items = items.len()))]
    pub async fn record_clicks(&self, items: &[Envelope]) -> Result<(), FlowError> {
        let mut batch = Vec::with_capacity(items.len());
        for item in items {
            batch.push((read::fact_id(item)?, click_row(item)?));
        }
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(self.take_clicks(connection, &batch).await?)
        })
        .await?;
        Ok(())
    }

    async fn take_clicks(
        &self,
        connection: &mut AsyncPgConnection,
        batch: &[(FactId, ClickRow)],
    ) -> QueryResult<()> {
        store::hold_catalog(connection).await?;
        let ids: Vec<FactId> = batch.iter().map(|(id, _)| *id).collect();
        let first: HashSet<FactId> = inbox::claim(connection, CLICKS, &ids).await?;
        let mut clicks: BTreeMap<JourneyKey, &ClickRow> = BTreeMap::new();
        for (_, click) in batch.iter().filter(|(id, _)| first.contains(id)) {
            let known = clicks.entry(click.key).or_insert(click);
            if known.fact != click.fact {
                self.alarm(click.key);
            }
        }
        let keys: BTreeSet<JourneyKey> = clicks.keys().copied().collect();
        let mut locked = journeys::make_and_lock(connection, &keys).await?;
        let mut rows = Vec::with_capacity(locked.len());
        for journey in &mut locked {
            let Some(click) = clicks.get(&journey.key) else { continue };
            match &journey.click {
                None => {
                    let mut row = (*click).clone();
                    if journey.erased {
                        row.fact = self.without_person(&row)?;
                    }
                    journey.click = Some(row.fact.clone());
                    rows.push(row);
                }
                // What is left of it tells no more whether it was the same.
                Some(_) if journey.erased => {}
                Some(known) if *known != click.fact => self.alarm(journey.key),
                Some(_) => {}
            }
        }
        journeys::save_clicks(connection, &rows).await?;
        let docket = Docket { journeys: locked, ..Docket::default() };
        self.judge_journeys(connection, docket, &Spans::default()).await
    }

    /// It was forgotten before it came.
    fn without_person(&self, row: &ClickRow) -> QueryResult<Vec<u8>> {
        facts::encoded_click_without_person(&self.keyring, row.key.0, &row.fact)
            .ok_or_else(|| inconsistent("journeys", "click", named(row.key)))
    }

    fn alarm(&self, (tenant, click): JourneyKey) {
        self.meters.click_conflict();
        tracing::error!(tenant.id = %tenant, gk_click_id = %click, "a click came again with other content; the first one stays");
    }
}

fn click_row(item: &Envelope) -> Result<ClickRow, ContractError> {
    let fact: ClickRecorded = open(item)?;
    let tenant = read::id(TenantId::from_slice, &fact.tenant_id, "tenant_id")?;
    let id = read::id(ClickId::from_slice, &fact.gk_click_id, "gk_click_id")?;
    let click = facts::click(&fact)?;
    Ok(ClickRow {
        key: (tenant, id),
        fact: item.body.to_vec(),
        clicked_at: click.clicked_at,
        offer: click.offer,
        publisher: click.publisher,
    })
}
