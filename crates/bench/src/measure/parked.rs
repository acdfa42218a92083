//! attribution while a million parked postbacks come due: what one live decision takes while half of them expire, and while a
//! new version of the offer releases the other half, beside what it takes with nothing to do.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use bus::{Route, house::PAYOUT_CONVERSIONS};
use contracts::{
    attribution::ConversionQualified, envelope::Envelope, ingest::PostbackReceived, open,
    tracker::ClickRecorded,
};
use hdrhistogram::Histogram;
use system_tests::{ServiceName, StackOptions};
use uuid::Uuid;

use super::{
    Context, Outcome,
    attribution::Attribution,
    growth::{PARKED, Past},
};
use crate::{
    database::{count, settle},
    report::{Account, Row, Verdict, grouped, milliseconds},
    seed::{self, Spread},
};

/// Live decisions of a phase, one after the other at fixed times.
const LIVE: Duration = Duration::from_secs(20);
const EVERY: Duration = Duration::from_millis(5);
/// The aim: with work to do, so many times what it is without.
const TIMES: f64 = 2.0;
/// Journeys of one transaction of a sweep or a re-judgement: the service's own setting, and its default.
const STEP: u64 = 200;
/// Clicks of live users begin here.
const LIVE_FROM: u64 = 300_000_000;
/// A live decision comes within this, or it is missing.
const COMES_WITHIN: Duration = Duration::from_secs(30);

/// When facts about postbacks came, by receipt.
type Arrivals = Arc<Mutex<HashMap<Uuid, Instant>>>;

/// A service with much to do, and users who do not know of it.
struct Crowd {
    past: Past,
    arrivals: Arrivals,
    /// Clicks used so far.
    used: u64,
}

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let half = context.scale.events(PARKED / 2, 2_000);
    let options = StackOptions::new()
        .set(ServiceName::Attribution, "JUDGING__QUIET_SECONDS", "2")
        .set(ServiceName::Attribution, "JUDGING__SWEEP_PERIOD_MS", "1000")
        .set(ServiceName::Attribution, "JUDGING__STEP_JOURNEYS", STEP.to_string());
    let mut past = Past::start(context, options).await?;
    // The one that is copied came just now, and goes on waiting.
    past.park(context, half + 1, Spread::LastWeek).await?;
    past.park_second_steps(context, half).await?;
    context
        .progress
        .say(&format!("parked: {} wait for their click, as many for a first step", grouped(half as f64)));
    // Their time is over; nobody is told yet.
    let patient = due("now() + interval '1 day'");
    past.rig.admin.batch_execute(&patient).await?;
    settle(&past.rig.admin).await?;

    let mut crowd = Crowd::around(past).await?;
    crowd.past.rig.start::<Attribution>().await;
    let mut idle = crowd.live(context).await?;
    context.progress.say(&format!("parked: with nothing due, {}", words(&idle)));

    crowd.past.rig.stop::<Attribution>().await?;
    crowd.past.rig.admin.batch_execute(&due("now() - interval '1 hour'")).await?;
    settle(&crowd.past.rig.admin).await?;
    crowd.past.rig.start::<Attribution>().await;
    let expired = "SELECT count(*) FROM decisions WHERE is_current AND code = 'UNATTRIBUTED_UNKNOWN_CLICK'";
    crowd.past.rig.until(expired, 1).await?;
    let (expiring, expiry) = crowd.live_beside(context, expired, half).await?;
    context.progress.say(&format!("parked: while they expire, {}; {expiry}", words(&expiring)));

    settle(&crowd.past.rig.admin).await?;
    let freed = "SELECT count(*) FROM decisions WHERE is_current AND code = 'QUALIFIED' AND revision > 1";
    crowd.past.rig.broker.publish(seed::without_order(&crowd.past.world)).await?;
    crowd.past.rig.until(freed, 1).await?;
    let (releasing, release) = crowd.live_beside(context, freed, half).await?;
    context.progress.say(&format!("parked: while they are released, {}; {release}", words(&releasing)));

    settle(&crowd.past.rig.admin).await?;
    idle.add(crowd.live(context).await?)?;
    let largest = largest_step(&crowd.past).await?;
    let accounts = vec![
        Account::of("parked: postbacks without a click", half)
            .found("expired", count(&crowd.past.rig.admin, expired).await?),
        Account::of("parked: second steps", half)
            .found("released", count(&crowd.past.rig.admin, freed).await?),
        Account::of("parked: live postbacks", crowd.used)
            .found("decided and told", crowd.used)
            .remark(Some(format!("{largest} journeys in the largest transaction"))),
    ];
    ensure!(largest <= STEP, "{largest} journeys in one transaction");
    crowd.past.rig.close::<Attribution>().await?;

    println!(
        "\nattribution: one live decision, every {}, beside parked ones that come due",
        milliseconds(EVERY)
    );
    println!("    with nothing due         {}", words(&idle));
    println!("    while {} expire     {}; {expiry}", grouped(half as f64), words(&expiring));
    println!("    while {} are freed  {}; {release}", grouped(half as f64), words(&releasing));
    let rows = [("while parked ones expire", &expiring), ("while parked ones are released", &releasing)];
    let rows = rows.map(|(what, live)| {
        let (ours, other) = (live.value_at_quantile(0.99), idle.value_at_quantile(0.99));
        let times = ours as f64 / other.max(1) as f64;
        Row {
            what: format!("attribution: a live decision {what}, p99"),
            ours: milliseconds(Duration::from_micros(ours)),
            beside: format!("with nothing due {}", milliseconds(Duration::from_micros(other))),
            ratio: format!("{times:.1} ×"),
            aim: format!("< {TIMES} ×"),
            verdict: Verdict::of(times < TIMES, context.scale.is_whole()),
        }
    });
    Ok(Outcome { rows: rows.to_vec(), accounts })
}

impl Crowd {
    async fn around(past: Past) -> anyhow::Result<Self> {
        let arrivals = Arrivals::default();
        let seen = Arc::clone(&arrivals);
        past.rig
            .broker
            .listen(PAYOUT_CONVERSIONS, move |fact| {
                let now = Instant::now();
                let verdict = open::<ConversionQualified>(&fact).ok().and_then(|fact| fact.verdict);
                if let Some(receipt) = verdict.and_then(|verdict| Uuid::from_slice(&verdict.receipt).ok()) {
                    seen.lock().unwrap_or_else(PoisonError::into_inner).entry(receipt).or_insert(now);
                }
            })
            .await?;
        Ok(Self { past, arrivals, used: 0 })
    }

    /// Live decisions for one phase: from when each was due until its fact is with payout's queue, in microseconds.
    async fn live(&mut self, context: Context<'_>) -> anyhow::Result<Histogram<u64>> {
        let time = context.scale.time(LIVE, Duration::from_secs(4));
        let users = u64::try_from(time.as_millis() / EVERY.as_millis())?;
        let world = Arc::clone(&self.past.world);
        let numbers = LIVE_FROM + self.used..LIVE_FROM + self.used + users;
        self.used += users;
        let clicks =
            numbers.clone().map(|number| (Route::of::<ClickRecorded>(), seed::click(&world, number)));
        self.past.rig.broker.publish(clicks).await?;
        let last = world.click_id(numbers.end - 1);
        let known = format!("SELECT count(*) FROM journeys WHERE click_id = '{last}' AND click IS NOT NULL");
        self.past.rig.until(&known, 1).await?;
        self.past.rig.until_empty(bus::house::ATTRIBUTION_CLICKS).await?;

        let mut sent = Vec::new();
        let start = Instant::now() + EVERY;
        for (number, place) in numbers.zip(0_u32..) {
            let due = start + EVERY * place;
            tokio::time::sleep_until(due.into()).await;
            let postback =
                as_of_now(seed::install(&world, world.click_id(number), &format!("{number:016x}")))?;
            sent.push((Uuid::from_slice(&postback.fact_id)?, due));
            self.past.rig.broker.publish([(Route::of::<PostbackReceived>(), postback)]).await?;
        }
        let mut times = Histogram::new(3)?;
        let deadline = Instant::now() + COMES_WITHIN;
        for (receipt, due) in sent {
            let arrived = loop {
                let arrived = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).remove(&receipt);
                if let Some(arrived) = arrived {
                    break arrived;
                }
                ensure!(Instant::now() < deadline, "no decision on live postback {receipt}");
                tokio::time::sleep(EVERY).await;
            };
            times.record(u64::try_from(arrived.saturating_duration_since(due).as_micros())?)?;
        }
        Ok(times)
    }

    /// The same, and then until `query` counts `all`; says how fast that went.
    async fn live_beside(
        &mut self,
        context: Context<'_>,
        query: &str,
        all: u64,
    ) -> anyhow::Result<(Histogram<u64>, String)> {
        let (start, before) = (Instant::now(), count(&self.past.rig.admin, query).await?);
        let times = self.live(context).await?;
        let (end, after) = (start.elapsed(), count(&self.past.rig.admin, query).await?);
        // Else the live ones had the service for themselves, and the figure would flatter.
        ensure!(after < all || !context.scale.is_whole(), "all were done before the live ones");
        self.past.rig.until(query, all).await?;
        Ok((times, format!("{} of them a second", grouped((after - before) as f64 / end.as_secs_f64()))))
    }
}

/// When whatever waits for a click stops to.
fn due(at: &str) -> String {
    format!("UPDATE journeys SET wait_until = {at} WHERE click IS NULL AND wait_until IS NOT NULL")
}

fn as_of_now(mut postback: Envelope) -> anyhow::Result<Envelope> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH)?;
    postback.recorded_at_micros = i64::try_from(since_1970.as_micros())?;
    Ok(postback)
}

/// Journeys that were decided again in one transaction, at the most: decisions of one have one time.
async fn largest_step(past: &Past) -> anyhow::Result<u64> {
    count(
        &past.rig.admin,
        "SELECT max(journeys) FROM (
            SELECT count(DISTINCT click_id) AS journeys FROM decisions WHERE revision > 1 GROUP BY decided_at
        ) AS steps",
    )
    .await
    .context("the largest step")
}

fn words(times: &Histogram<u64>) -> String {
    let at = |quantile| milliseconds(Duration::from_micros(times.value_at_quantile(quantile)));
    format!("p50 {}, p99 {}, max {}", at(0.5), at(0.99), at(1.0))
}
