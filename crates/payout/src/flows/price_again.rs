//! A rate has come: what waited on review for it is priced, and counted and reserved like anything else.
//!
//! A tenant's rates are heard as a whole. After each time its conversions that wait are walked through once, in steps, and once more a minute
//! later. Any number of replicas do so side by side; the locks of offers and conversions make each thing happen once.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use contracts::{attribution::ConversionVerdict, read};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::IdSource;
use postgres_kit::{DbError, Pool, Retries, sqlstate::Class, transact};
use prost::Message as _;
use terms::{Breakdown, Priced, Terms};
use tokio_util::sync::CancellationToken;

use super::{
    decide::Asked,
    follow_limits::Pace,
    input_lag::InputLag,
    money_terms::money_terms,
    waited::{self, Means},
};
use crate::{
    domain::{
        conversion::{Conversion, Step, on_rate},
        input_lag::patience_seconds,
        standing::Decision,
    },
    store::{
        self,
        conversions::{Key, Stored},
        rateless::{self, Waiting},
        steps::{self, ClickKey},
        tenants::Rates,
    },
};

/// Looks for new rates until the process stops.
pub async fn keep_pricing(
    pool: Pool,
    ids: Arc<dyn IdSource>,
    input: InputLag,
    pace: Pace,
    soft: CancellationToken,
) {
    let mut is_failing = false;
    while !soft.is_cancelled() {
        match look(&pool, &ids, &input, pace.batch, &soft).await {
            Ok(()) => {
                if std::mem::take(&mut is_failing) {
                    tracing::info!("what waits for rates is priced again");
                }
            }
            Err(error) if is_failing => {
                tracing::debug!(
                    error = telemetry::chain(&error),
                    "what waits for rates can still not be priced"
                );
            }
            Err(error) => {
                is_failing = true;
                tracing::warn!(
                    error = telemetry::chain(&error),
                    "what waits for rates can not be priced; trying again"
                );
            }
        }
        tokio::select! {
            () = soft.cancelled() => {}
            () = tokio::time::sleep(pace.poll) => {}
        }
    }
}

async fn look(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    input: &InputLag,
    batch: u16,
    soft: &CancellationToken,
) -> Result<(), DbError> {
    let (tenants, begun) = transact(pool, Retries::default(), async |connection| {
        Ok::<_, DbError>((rateless::tenants(connection).await?, store::now(connection).await?))
    })
    .await?;
    for tenant in tenants {
        let mut behind = None;
        loop {
            let waiting = transact(pool, Retries::default(), async |connection| {
                Ok::<_, DbError>(rateless::next(connection, tenant, behind, batch).await?)
            })
            .await?;
            let Some(last) = waiting.last() else { break };
            behind = Some(last.place);
            let priced = price(pool, ids, patience_seconds(input.doubt()), &waiting).await?;
            if priced > 0 {
                tracing::info!(tenant.id = %tenant, conversions.priced = priced, "a rate has come: what waited is priced");
            }
            if soft.is_cancelled() {
                return Ok(());
            }
        }
        transact(pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(rateless::tried(connection, tenant, begun).await?)
        })
        .await?;
    }
    Ok(())
}

/// One conversion that can not be priced must not hold all others back.
async fn price(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    patience_seconds: i64,
    waiting: &[Waiting],
) -> Result<usize, DbError> {
    match price_together(pool, ids, patience_seconds, waiting).await {
        Err(error) if error.class() == Class::Bug => {}
        priced => return priced,
    }
    let mut count = 0_usize;
    for one in waiting {
        match price_together(pool, ids, patience_seconds, std::slice::from_ref(one)).await {
            Ok(priced) => count = count.saturating_add(priced),
            Err(error) if error.class() == Class::Bug => {
                let (tenant, conversion) = one.key;
                tracing::error!(
                    tenant.id = %tenant, conversion.id = %conversion, error = telemetry::chain(&error),
                    "a conversion can not be priced: it stays on review until rates come again"
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

async fn price_together(
    pool: &Pool,
    ids: &Arc<dyn IdSource>,
    patience_seconds: i64,
    waiting: &[Waiting],
) -> Result<usize, DbError> {
    transact(pool, Retries::default(), async |connection| {
        price_locked(connection, ids, patience_seconds, waiting).await
    })
    .await
}

async fn price_locked(
    connection: &mut AsyncPgConnection,
    ids: &Arc<dyn IdSource>,
    patience_seconds: i64,
    waiting: &[Waiting],
) -> Result<usize, DbError> {
    let held = waited::hold(connection, waiting.iter().map(|one| (one.key, one.offer))).await?;
    let verdicts = rateless::verdicts(connection, &held.keys).await?;
    // Under the locks of the offers: whoever rejects one of these clicks' conversions holds them too.
    let clicks: BTreeSet<ClickKey> = held.stored.values().map(|stored| click(&stored.conversion)).collect();
    let people = steps::people_said(connection, &clicks.into_iter().collect::<Vec<_>>()).await?;
    let priced = waited::decide(connection, ids.as_ref(), patience_seconds, &held, |key, current, means| {
        let Means { rate, desk, now, released_until } = means;
        let said = Said::read(verdicts.get(&key)?)?;
        let people = people.get(&click(current));
        let unheard = people.and_then(|people| people.unheard(&said.step, said.decisions_heard));
        on_rate(current, (&said.terms, unheard), rate, desk, now, released_until)
    });
    Ok(priced.await?)
}

const fn click(conversion: &Conversion) -> ClickKey {
    (conversion.subject.tenant, conversion.subject.click)
}

/// What a stored verdict says that a price needs, and where it stands among what people decided.
struct Said {
    terms: Terms,
    step: Step,
    decisions_heard: Option<u32>,
}

impl Said {
    /// Absent only for a verdict that could not have been stored.
    fn read(verdict: &[u8]) -> Option<Self> {
        let verdict = ConversionVerdict::decode(verdict).ok()?;
        let terms = money_terms(read::required(verdict.terms.as_ref(), "verdict.terms").ok()?).ok()?;
        let step = Step { event_id: verdict.event_id, number: verdict.sequence_number };
        Some(Self { terms, step, decisions_heard: verdict.decisions_heard })
    }
}

/// What conversions are worth by the rates of now that people are about to decide on and nobody could price before. Not when it would
/// be at a loss: that a person must have seen.
pub(super) async fn price_before_deciding(
    connection: &mut AsyncPgConnection,
    asked: &[Asked],
    stored: &HashMap<Key, Stored>,
    rates: &Rates,
) -> QueryResult<HashMap<Key, Breakdown>> {
    let is_unpriced = |key: &Key| stored.get(key).is_some_and(|stored| stored.conversion.money.is_none());
    let deciding = asked.iter().filter(|asked| asked.decision != Decision::Reject).map(Asked::key);
    let keys: BTreeSet<Key> = deciding.filter(is_unpriced).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let verdicts = rateless::verdicts(connection, &keys.into_iter().collect::<Vec<_>>()).await?;
    let priced = verdicts.into_iter().filter_map(|(key, verdict)| {
        let rate = |from, to| rates.find(key.0, from, to);
        match terms::price(&Said::read(&verdict)?.terms, &stored.get(&key)?.conversion.reported, rate) {
            Priced::Money(money) => Some((key, money)),
            Priced::Review { .. } => None,
        }
    });
    Ok(priced.collect())
}
