//! Telling again what ended: one delivery at once, or many by an order that is worked off in steps.
//!
//! A step is one transaction: it locks the order, takes the next deliveries behind the last that were looked at, locks their
//! conversions, and makes due what may be. So any number of replicas work off any number of orders, a process that dies
//! loses nothing but its step, and no delivery is made due twice. A step makes no more due than [`DUE_AT_ONCE`] with what is
//! due already: what is new never waits behind more.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use diesel_async::AsyncPgConnection;
use kernel::{DeliveryId, EndpointId, IdSource, PublisherId, TenantId, TokenId};
use postgres_kit::{DbError, Failure, Pool, Retries, Snapshot, sqlstate::Class, transact, wake_ups};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use crate::store::{
    deliveries::End,
    replays::{ProgressRow, ReplayRow, Selection, SkippedRow},
};
use crate::{
    domain::replay::{DUE_AT_ONCE, ORDER_MAX, Skip, judge, replay_id},
    metrics::Metrics,
    store::{
        DELIVERIES, delivery_log,
        read::Scope,
        replays::{
            self, NewReplay, ReplayKey,
            working::{self, Step},
        },
    },
};

/// Between two looks for orders that are due.
const POLL: Duration = Duration::from_millis(250);
/// Between two steps of an order, so that what it made due is under way before it makes more due.
const STEP_PAUSE_MS: u32 = 250;
/// When an order goes on whose step failed by a fault of ours.
const FAULT_PAUSE_MS: u32 = 60_000;
/// Orders that one look finds; more are found by the next.
const ORDERS_A_LOOK: i64 = 16;

/// Takes orders.
#[derive(Clone)]
pub struct Replayer {
    /// Payout's database.
    pub pool: Pool,
    /// Names orders.
    pub ids: Arc<dyn IdSource>,
    /// Counts.
    pub metrics: Metrics,
}

/// Who asks, why, and by which `Idempotency-Key`.
#[derive(Debug, Clone)]
pub struct By {
    /// Whose deliveries.
    pub tenant: TenantId,
    /// Whose token.
    pub token: TokenId,
    /// Why, for people.
    pub reason: String,
    /// The caller's name for this call.
    pub key: Option<String>,
}

/// Why nothing was ordered.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The tenant has no such thing.
    #[error("there is no such delivery or order")]
    NotFound,
    /// The tenant has no such publisher.
    #[error("there is no such publisher")]
    UnknownPublisher,
    /// The publisher has no such endpoint.
    #[error("the publisher has no such endpoint")]
    UnknownEndpoint,
    /// The selection holds more than [`ORDER_MAX`].
    #[error("more than {ORDER_MAX} deliveries")]
    TooMany,
    /// Another order of the publisher is running.
    #[error("the order {0} is running")]
    Running(Uuid),
    /// The key was used for another order.
    #[error("the Idempotency-Key was used for another call")]
    KeyReused,
    /// The delivery may not be told again.
    #[error("{}", .0.sentence())]
    Skipped(Skip),
    /// The order is done.
    #[error("the order is done")]
    Over,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl From<diesel::result::Error> for ReplayError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for ReplayError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::NotFound
            | Self::UnknownPublisher
            | Self::UnknownEndpoint
            | Self::TooMany
            | Self::Running(_)
            | Self::KeyReused
            | Self::Skipped(_)
            | Self::Over => None,
        }
    }
}

/// An order and what became of it until now.
#[derive(Debug, Clone)]
pub struct Replay {
    /// What was ordered.
    pub order: ReplayRow,
    /// How those stand that were made due.
    pub progress: ProgressRow,
    /// Those that were not, by reason.
    pub skipped: Vec<SkippedRow>,
}

impl Replayer {
    /// Orders many deliveries of a publisher to be told again. The same again while it runs, or under the same key, is the
    /// same order.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub async fn order(&self, selection: &Selection, by: &By) -> Result<Replay, ReplayError> {
        let key = self.key(by);
        let id = transact(&self.pool, Retries::default(), async |connection| {
            take_order(connection, key, selection, by).await
        })
        .await?;
        self.get(by.tenant, id).await
    }

    /// Tells one delivery again, at once.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub async fn one(&self, delivery: DeliveryId, by: &By) -> Result<Replay, ReplayError> {
        let key = self.key(by);
        let is_new = transact(&self.pool, Retries::default(), async |connection| {
            begin_one(connection, key, delivery, by).await
        })
        .await?;
        if is_new {
            self.metrics.replayed(1, 0);
        }
        self.get(by.tenant, key.1).await
    }

    /// One order.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub async fn get(&self, tenant: TenantId, id: Uuid) -> Result<Replay, ReplayError> {
        let mut connection = self.pool.get().await.map_err(DbError::from)?;
        let order = replays::get(&mut connection, (tenant, id)).await?.ok_or(ReplayError::NotFound)?;
        let (progress, skipped) = replays::progress(&mut connection, (tenant, id)).await?;
        Ok(Replay { order, progress, skipped })
    }

    /// A page of orders, the latest first, and how many there are in all.
    ///
    /// # Errors
    /// [`DbError`] when the database can not say.
    pub async fn list(
        &self,
        tenant: TenantId,
        offset: i64,
        limit: i64,
    ) -> Result<(Vec<ReplayRow>, u64), DbError> {
        transact(&self.pool, Snapshot, async |connection| {
            Ok(replays::list(connection, tenant, offset, limit).await?)
        })
        .await
    }

    /// Ends an order before its time. What it made due is told all the same.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub async fn stop(&self, tenant: TenantId, id: Uuid, token: TokenId) -> Result<Replay, ReplayError> {
        let is_stopped = transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(replays::stop(connection, (tenant, id), token).await?)
        })
        .await?;
        let replay = self.get(tenant, id).await?;
        if !is_stopped && replay.order.state == "done" { Err(ReplayError::Over) } else { Ok(replay) }
    }

    fn key(&self, by: &By) -> ReplayKey {
        let named = by.key.as_deref().map(|key| replay_id(by.tenant, by.token, key));
        (by.tenant, named.unwrap_or_else(|| self.ids.uuid_v7()))
    }
}

async fn take_order(
    connection: &mut AsyncPgConnection,
    key: ReplayKey,
    selection: &Selection,
    by: &By,
) -> Result<Uuid, ReplayError> {
    let is_same = |known: &ReplayRow| known.is_for(selection, None, &by.reason);
    if !replays::lock_publisher(connection, by.tenant, selection.publisher).await? {
        return Err(ReplayError::UnknownPublisher);
    }
    if let Some(known) = replays::get(connection, key).await? {
        return if is_same(&known) { Ok(known.replay_id) } else { Err(ReplayError::KeyReused) };
    }
    if let Some(endpoint) = selection.endpoint
        && !replays::has_endpoint(connection, by.tenant, selection.publisher, endpoint).await?
    {
        return Err(ReplayError::UnknownEndpoint);
    }
    if let Some(running) = replays::running(connection, by.tenant, selection.publisher).await? {
        let is_repeated = is_same(&running) && by.key.is_none();
        return if is_repeated {
            Ok(running.replay_id)
        } else {
            Err(ReplayError::Running(running.replay_id))
        };
    }
    let total = replays::count(connection, by.tenant, selection).await?;
    if total > u64::from(ORDER_MAX) {
        return Err(ReplayError::TooMany);
    }
    let order = NewReplay {
        key,
        selection: selection.clone(),
        delivery: None,
        token: by.token,
        reason: by.reason.clone(),
        total,
    };
    if replays::add(connection, &order).await? { Ok(key.1) } else { Err(ReplayError::KeyReused) }
}

/// `false` when this very call had been made before.
async fn begin_one(
    connection: &mut AsyncPgConnection,
    key: ReplayKey,
    delivery: DeliveryId,
    by: &By,
) -> Result<bool, ReplayError> {
    let scope = Scope { tenant: by.tenant, publisher: None };
    let (row, _) = delivery_log::get(connection, scope, delivery).await?.ok_or(ReplayError::NotFound)?;
    let selection = Selection {
        publisher: PublisherId::from_uuid(row.publisher_id),
        endpoint: Some(EndpointId::from_uuid(row.endpoint_id)),
        states: Vec::new(),
        from: None,
        until: None,
    };
    let conversion = kernel::ConversionId::from_uuid(row.conversion_id);
    // First: of two calls with one key the second waits here, and finds what the first did.
    working::lock_conversions(connection, by.tenant, &[conversion]).await?;
    if let Some(known) = replays::get(connection, key).await? {
        let is_same = known.is_for(&selection, Some(delivery), &by.reason);
        return if is_same { Ok(false) } else { Err(ReplayError::KeyReused) };
    }
    let candidates = working::candidates(connection, by.tenant, &[delivery]).await?;
    let candidate = candidates.get(&delivery).ok_or(ReplayError::NotFound)?;
    judge(candidate).map_err(ReplayError::Skipped)?;
    let order = NewReplay {
        key,
        selection,
        delivery: Some(delivery),
        token: by.token,
        reason: by.reason.clone(),
        total: 1,
    };
    if !replays::add(connection, &order).await? {
        return Err(ReplayError::KeyReused);
    }
    working::add_items(connection, key, &[(delivery, None)]).await?;
    working::begin_again(connection, key, &[delivery]).await?;
    wake_ups::after_commit(DELIVERIES);
    Ok(true)
}

/// The next step of an order; nothing when there was none to take.
async fn step(connection: &mut AsyncPgConnection, key: ReplayKey) -> Result<Option<Step>, DbError> {
    let Some(order) = working::claim(connection, key).await? else { return Ok(None) };
    let untried =
        working::untried(connection, key.0, order.selection.publisher, order.selection.endpoint).await?;
    let room = u64::from(DUE_AT_ONCE).saturating_sub(untried);
    let next = if room == 0 { Vec::new() } else { working::next(connection, &order, room).await? };
    let conversions: BTreeSet<_> = next.iter().map(|(_, conversion)| *conversion).collect();
    let ids: Vec<DeliveryId> = next.iter().map(|((_, id), _)| *id).collect();
    working::lock_conversions(connection, key.0, &conversions.into_iter().collect::<Vec<_>>()).await?;
    let candidates = working::candidates(connection, key.0, &ids).await?;
    let judged: Vec<(DeliveryId, Option<Skip>)> =
        candidates.iter().map(|(id, candidate)| (*id, judge(candidate).err())).collect();
    let again: Vec<DeliveryId> =
        judged.iter().filter(|(_, skip)| skip.is_none()).map(|(id, _)| *id).collect();
    working::add_items(connection, key, &judged).await?;
    working::begin_again(connection, key, &again).await?;
    if !again.is_empty() {
        wake_ups::after_commit(DELIVERIES);
    }
    let step = Step {
        replayed: again.len(),
        skipped: judged.len().saturating_sub(again.len()),
        last: next.last().map(|(place, _)| *place),
        is_over: room > 0 && u64::try_from(next.len()).unwrap_or(u64::MAX) < room,
        // What was only skipped costs nobody anything: on with it.
        pause_ms: if again.is_empty() && room > 0 { 0 } else { STEP_PAUSE_MS },
    };
    working::advance(connection, key, &step).await?;
    Ok(Some(step))
}

/// Takes one step of every order that is due, and returns how many there were.
async fn work(pool: &Pool, metrics: &Metrics) -> Result<usize, DbError> {
    let due = working::due(&mut *pool.get().await?, ORDERS_A_LOOK).await?;
    let mut steps = 0_usize;
    for key in due {
        let taken = transact(pool, Retries::default(), async |connection| step(connection, key).await).await;
        match taken {
            Ok(Some(step)) => {
                steps = steps.saturating_add(1);
                metrics.replayed(step.replayed, step.skipped);
                if step.is_over {
                    tracing::info!(tenant.id = %key.0, replay.id = %key.1, "a replay is done");
                }
            }
            Ok(None) => {}
            // One order that can not go on must not keep all others from it.
            Err(error) if error.class() == Class::Bug => {
                tracing::error!(
                    tenant.id = %key.0, replay.id = %key.1, error = telemetry::chain(&error),
                    "a replay can not go on: it is tried again in a minute"
                );
                transact(pool, Retries::default(), async |connection| put_off(connection, key).await).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(steps)
}

async fn put_off(connection: &mut AsyncPgConnection, key: ReplayKey) -> Result<(), DbError> {
    let step = Step { replayed: 0, skipped: 0, last: None, is_over: false, pause_ms: FAULT_PAUSE_MS };
    if replays::get(connection, key).await?.is_some_and(|order| order.state == "running") {
        working::advance(connection, key, &step).await?;
    }
    Ok(())
}

/// Works orders off until the process stops.
pub async fn keep_replaying(pool: Pool, metrics: Metrics, soft: CancellationToken) {
    let mut is_failing = false;
    while !soft.is_cancelled() {
        match work(&pool, &metrics).await {
            Ok(steps) => {
                if std::mem::take(&mut is_failing) {
                    tracing::info!("replays go on");
                }
                // An order may be due again at once.
                if steps > 0 {
                    continue;
                }
            }
            Err(error) if is_failing => {
                tracing::debug!(error = telemetry::chain(&error), "replays can still not go on");
            }
            Err(error) => {
                is_failing = true;
                tracing::warn!(error = telemetry::chain(&error), "replays can not go on; trying again");
            }
        }
        tokio::select! {
            () = soft.cancelled() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}
