//! What answers say of the endpoints that gave them: breakers open and close, endpoints pause.

use std::collections::{BTreeMap, HashSet};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{DeliveryId, Timestamp};
use postgres_kit::wake_ups;

use crate::{
    domain::delivery::{Answer, Breaker, Condition, GONE_TO_PAUSE, Share},
    metrics::Metrics,
    store::{
        DELIVERIES,
        deliveries::EndpointKey,
        endpoint_conditions::{self, Change, IsNews},
    },
};

/// What one attempt heard of an endpoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    /// Of which delivery.
    pub(super) delivery: DeliveryId,
    /// To which endpoint.
    pub(super) endpoint: EndpointKey,
    /// How often that had started afresh when the attempt was claimed.
    pub(super) starts: i64,
    /// Absent when it did not get as far as a request.
    pub(super) answer: Option<Answer>,
}

/// How an endpoint's condition has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Its breaker has opened.
    Opened,
    /// A probe failed.
    StaysOpen,
    /// Its breaker has closed.
    Closed,
    /// It is paused.
    Paused,
}

/// Takes what was heard into account, in the order in which it was; of attempts that were not recorded nothing is counted.
/// Endpoints that answer well, and did so before, are not touched. An answer to an attempt that was claimed before the
/// endpoint started afresh says nothing: another URL gave it, or a person has judged it.
pub(super) async fn heed(
    connection: &mut AsyncPgConnection,
    heard: &[Heard],
    recorded: &HashSet<DeliveryId>,
    now: Timestamp,
) -> QueryResult<Vec<(EndpointKey, Turn)>> {
    let mut news: BTreeMap<EndpointKey, IsNews> = BTreeMap::new();
    let heard = || heard.iter().filter(|heard| recorded.contains(&heard.delivery));
    for heard in heard() {
        let is_news = news.entry(heard.endpoint).or_default();
        is_news.0 |= Condition::FRESH.after(heard.answer, now) != Condition::FRESH;
    }
    if news.is_empty() {
        return Ok(Vec::new());
    }
    let known = endpoint_conditions::lock(connection, &news).await?;
    let before: BTreeMap<EndpointKey, Condition> =
        known.iter().map(|(key, known)| (*key, known.condition)).collect();
    let mut after = before.clone();
    for heard in heard() {
        let is_of_this_start = known.get(&heard.endpoint).is_some_and(|known| known.starts == heard.starts);
        if let Some(condition) = after.get_mut(&heard.endpoint).filter(|_| is_of_this_start) {
            *condition = condition.after(heard.answer, now);
        }
    }
    let changed: Vec<(EndpointKey, Condition)> =
        after.into_iter().filter(|(key, condition)| before.get(key) != Some(condition)).collect();
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    endpoint_conditions::save(connection, &changed).await?;
    let turns: Vec<(EndpointKey, Turn)> = changed
        .iter()
        .filter_map(|(key, condition)| Some((*key, turn(*before.get(key)?, *condition)?)))
        .collect();
    let paused: Vec<EndpointKey> =
        turns.iter().filter(|(_, turn)| *turn == Turn::Paused).map(|(key, _)| *key).collect();
    // What waited goes out at once, or the next probe of it.
    let waits = |condition: &Condition| condition.share(now) == Share::Nothing;
    if changed.iter().any(|(key, condition)| before.get(key).is_some_and(waits) && !waits(condition)) {
        wake_ups::after_commit(DELIVERIES);
    }
    if !paused.is_empty() {
        endpoint_conditions::note(connection, &paused, &Change::Paused).await?;
    }
    Ok(turns)
}

fn turn(before: Condition, after: Condition) -> Option<Turn> {
    if after.paused_at.is_some() {
        return before.paused_at.is_none().then_some(Turn::Paused);
    }
    match (before.breaker, after.breaker) {
        (Breaker::Closed { .. }, Breaker::Open { .. }) => Some(Turn::Opened),
        (Breaker::Open { .. }, Breaker::Closed { .. }) => Some(Turn::Closed),
        (Breaker::Open { failed_probes: before, .. }, Breaker::Open { failed_probes: after, .. }) => {
            (before != after).then_some(Turn::StaysOpen)
        }
        (Breaker::Closed { .. }, Breaker::Closed { .. }) => None,
    }
}

/// Says aloud what has changed.
pub(super) fn announce(turns: &[(EndpointKey, Turn)], metrics: &Metrics) {
    for ((tenant, endpoint), turn) in turns {
        match turn {
            Turn::Opened => {
                metrics.breaker_opened();
                tracing::warn!(
                    tenant.id = %tenant, endpoint.id = %endpoint,
                    "an endpoint does not answer: it is left alone, and asked again by itself"
                );
            }
            Turn::StaysOpen => tracing::info!(
                tenant.id = %tenant, endpoint.id = %endpoint, "an endpoint still does not answer"
            ),
            Turn::Closed => tracing::info!(
                tenant.id = %tenant, endpoint.id = %endpoint, "an endpoint answers again: what waited goes out"
            ),
            Turn::Paused => {
                metrics.endpoint_paused();
                tracing::warn!(
                    tenant.id = %tenant, endpoint.id = %endpoint, answers = GONE_TO_PAUSE,
                    "an endpoint says that it is gone: it is paused until a person resumes it or its URL changes"
                );
            }
        }
    }
}
