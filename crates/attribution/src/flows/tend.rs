//! What has to be done without anybody asking: expire what waited long enough, judge again what the catalog changed,
//! make tomorrow's partitions, drop those that are too old, try again what was put aside, and say when clicks do not arrive.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use contracts::{Fact as _, Stamp, attribution::InputHeard, seal};
use kernel::{FactId, Timestamp};
use postgres_kit::{
    DbError, Retries,
    outbox::{self, Outgoing},
    replicas, transact,
};
use process::Supervisor;
use prost::Message as _;
use telemetry::chain;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Attributor, Retention};
use crate::store::{journeys, partitions};

/// A click is expected well within this; longer is an alarm.
const CLICK_ALARM_SECONDS: i64 = 15 * 60;
/// A postback waits this long for its click, so its time of receipt can be told from the end of its wait.
const CLICK_PATIENCE_SECONDS: i64 = 7 * 86_400;
/// Partitions are made days ahead: once an hour is plenty.
const PARTITION_PERIOD: Duration = Duration::from_hours(1);

/// How the tending goes.
#[derive(Debug, Clone, Copy)]
pub struct Tending {
    /// Pause between two sweeps.
    pub period: Duration,
    /// Journeys of one step.
    pub step: u16,
    /// How long input must have been read as it comes before anything is expired.
    pub quiet_seconds: i64,
    /// Days for which partitions are made ahead.
    pub partition_days: u8,
    /// How long days that are over are kept.
    pub retention: Retention,
    /// How long an item whose journey can not be read is left alone.
    pub parked: Duration,
}

/// Starts the tasks.
pub fn tend<C>(attributor: &Attributor, tending: Tending, is_connected: C, supervisor: &Supervisor)
where
    C: Fn() -> bool + Send + Sync + 'static,
{
    supervisor
        .spawn("watch input", watch_input(attributor.clone(), tending, is_connected, supervisor.soft()));
    supervisor.spawn("sweep", sweep(attributor.clone(), tending, supervisor.soft()));
    supervisor.spawn("rejudge", rejudge(attributor.clone(), tending, supervisor.soft()));
    supervisor.spawn("rollups", fold_rollups(attributor.clone(), tending, supervisor.soft()));
    supervisor.spawn("partitions", keep_partitions(attributor.clone(), tending, supervisor.soft()));
    supervisor.spawn("erase", erase(attributor.clone(), tending, supervisor.soft()));
    supervisor.spawn("parked", unpark(attributor.clone(), tending, supervisor.soft()));
}

/// Finds out whether input is read as it comes, and says so to payout: a task of its own, for a sweep may take many minutes.
async fn watch_input<C>(attributor: Attributor, tending: Tending, is_connected: C, soft: CancellationToken)
where
    C: Fn() -> bool + Send + Sync + 'static,
{
    let mut connected_since: Option<Timestamp> = None;
    let replica = attributor.ids.uuid_v7();
    while pause(tending.period, &soft).await {
        let now = attributor.clock.now();
        connected_since = is_connected().then(|| connected_since.unwrap_or(now));
        let quiet_from = now.saturating_add_seconds(tending.quiet_seconds.saturating_neg());
        let lags = attributor.input.is_lagging(now, tending.quiet_seconds);
        let others_lag = match attributor.compare_lag(replica, lags).await {
            Ok(lag) => lag,
            Err(error) => {
                attributor.calm.store(false, Ordering::Release);
                report("compare the replicas' input", Err(error));
                continue;
            }
        };
        let is_connected_for_long = connected_since.is_some_and(|since| since <= quiet_from);
        let is_calm = is_connected_for_long && !lags && !others_lag;
        attributor.calm.store(is_calm, Ordering::Release);
        if is_calm {
            report("say that input is heard", attributor.say_input_heard(now).await);
        }
    }
}

async fn sweep(attributor: Attributor, tending: Tending, soft: CancellationToken) {
    let mut overdue = false;
    while pause(tending.period, &soft).await {
        let now = attributor.clock.now();
        let quiet_from = now.saturating_add_seconds(tending.quiet_seconds.saturating_neg());
        report("sweep", sweep_all(&attributor, quiet_from, tending, &soft).await);
        match attributor.overdue_clicks(now).await {
            Ok(journeys) => {
                attributor.meters.overdue_clicks(journeys);
                if journeys > 0 && !overdue {
                    tracing::warn!(
                        journeys,
                        "postbacks wait for clicks for more than 15 minutes: is the tracker's way here open?"
                    );
                }
                overdue = journeys > 0;
            }
            Err(error) => report("look for overdue clicks", Err(error)),
        }
    }
}

async fn sweep_all(
    attributor: &Attributor,
    horizon: Timestamp,
    tending: Tending,
    soft: &CancellationToken,
) -> Result<(), DbError> {
    // What is in hand here is asked at each step: the last word on all replicas may be a period old.
    let lags = || attributor.input.is_lagging(attributor.clock.now(), tending.quiet_seconds);
    while attributor.calm.load(Ordering::Acquire) && !lags() {
        let begun = Instant::now();
        if !attributor.sweep(horizon, tending.step).await? || !rest(begun, soft).await {
            break;
        }
    }
    Ok(())
}

async fn rejudge(attributor: Attributor, tending: Tending, soft: CancellationToken) {
    loop {
        tokio::select! {
            () = soft.cancelled() => return,
            () = attributor.rejudge.notified() => {}
            // Another replica may have noted it, and died.
            () = tokio::time::sleep(tending.period) => {}
        }
        report("judge journeys again", rejudge_all(&attributor, tending.step, &soft).await);
    }
}

async fn rejudge_all(attributor: &Attributor, step: u16, soft: &CancellationToken) -> Result<(), DbError> {
    loop {
        let begun = Instant::now();
        if !attributor.rejudge(step).await? || !rest(begun, soft).await {
            return Ok(());
        }
    }
}

async fn fold_rollups(attributor: Attributor, tending: Tending, soft: CancellationToken) {
    while pause(tending.period, &soft).await {
        report("fold rollups", attributor.fold_rollups().await);
    }
}

async fn erase(attributor: Attributor, tending: Tending, soft: CancellationToken) {
    loop {
        tokio::select! {
            () = soft.cancelled() => return,
            () = attributor.erase.notified() => {}
            // Another replica may have taken the order, and died.
            () = tokio::time::sleep(tending.period) => {}
        }
        report("forget a person", erase_all(&attributor, &soft).await);
    }
}

async fn erase_all(attributor: &Attributor, soft: &CancellationToken) -> Result<(), DbError> {
    while !soft.is_cancelled() && attributor.erase_step().await? {}
    Ok(())
}

async fn unpark(attributor: Attributor, tending: Tending, soft: CancellationToken) {
    while pause(tending.parked, &soft).await {
        match attributor.unpark(tending.parked).await {
            Ok(0) => {}
            Ok(items) => tracing::warn!(items, "items whose journey could not be read are tried again"),
            Err(error) => report("try again what was put aside", Err(error)),
        }
    }
}

async fn keep_partitions(attributor: Attributor, tending: Tending, soft: CancellationToken) {
    loop {
        let made = transact(&attributor.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(partitions::make_ahead(connection, tending.partition_days).await?)
        })
        .await;
        if let Ok(partitions @ 1..) = &made {
            tracing::info!(partitions, "partitions made");
        }
        let dropped = attributor.forget_old_days(tending.retention).await;
        // Both take locks that somebody's long query may hold back; that is over sooner than in an hour.
        let rest = if made.is_ok() && dropped.is_ok() { PARTITION_PERIOD } else { tending.period };
        report("make partitions", made.map(drop));
        report("drop old partitions", dropped.map(drop));
        if !pause(rest, &soft).await {
            return;
        }
    }
}

/// Rests for as long as a step took; whether to go on. However much there is to do, half of the time is left to what comes
/// in: nobody waits for the work that is done here, and somebody may wait for that.
async fn rest(begun: Instant, soft: &CancellationToken) -> bool {
    pause(begun.elapsed(), soft).await
}

/// Waits; whether to go on.
async fn pause(period: Duration, soft: &CancellationToken) -> bool {
    tokio::select! {
        () = soft.cancelled() => false,
        () = tokio::time::sleep(period) => true,
    }
}

/// The next round tries again; the database's own metrics show an outage.
fn report(what: &'static str, outcome: Result<(), DbError>) {
    if let Err(error) = outcome {
        tracing::warn!(error = chain(&error), what, "a round of tending failed; the next one tries again");
    }
}

impl Attributor {
    async fn compare_lag(&self, replica: Uuid, lags: bool) -> Result<bool, DbError> {
        let mut connection = self.pool.get().await?;
        Ok(replicas::compare(&mut connection, replica, lags).await?)
    }

    /// Of attribution's own input. Through the outbox, so that it stays away while verdicts can not leave; whether those that left
    /// are read is seen by their reader.
    async fn say_input_heard(&self, now: Timestamp) -> Result<(), DbError> {
        let fact_id = FactId::from_uuid(self.ids.uuid_v7());
        let stamp = Stamp {
            fact_id,
            tenant: None,
            recorded_at: now,
            traceparent: String::new(),
            tracestate: String::new(),
        };
        let said = Outgoing {
            fact_id,
            exchange: String::from(InputHeard::EXCHANGE),
            routing_key: String::from(InputHeard::ROUTING_KEY),
            envelope: seal(stamp, &InputHeard { heard_until_micros: now.as_micros() }).encode_to_vec(),
        };
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(outbox::add(connection, std::slice::from_ref(&said)).await?)
        })
        .await
    }

    async fn overdue_clicks(&self, now: Timestamp) -> Result<u64, DbError> {
        // Received more than 15 minutes ago = the end of its wait is nearer than 7 days less 15 minutes.
        let until = now.saturating_add_seconds(CLICK_PATIENCE_SECONDS.saturating_sub(CLICK_ALARM_SECONDS));
        let mut connection = self.pool.get().await?;
        Ok(journeys::without_click(&mut connection, until).await?)
    }
}
