//! Postback delay: from AppsFlyer's call to the publisher's receipt, through ingest, attribution and payout, each a process
//! of its own, at half of what the three can carry together. Pending time 0; signed GET to a receiver on this machine.

use std::{
    fmt,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use bus::Route;
use contracts::tracker::ClickRecorded;
use hdrhistogram::Histogram;
use system_tests::{ServiceName, Stack, StackOptions, lone::CREDENTIAL_KEYS as KEYS};
use test_kit::eventually;

use super::{Context, Outcome};
use crate::{
    broker::{Broker, GROUP},
    database::{assert_durable, connect, count},
    load::{Call, Receiver, Template, open},
    machine::{CpuMeter, assert_quorum},
    report::{Account, Contestant, Row, Sample, Verdict, grouped, limit, milliseconds},
    seed::{self, DOMAIN, Postbacks, World},
};

/// The three services of the way, in its order.
const SERVICES: [ServiceName; 3] = [ServiceName::Ingest, ServiceName::Attribution, ServiceName::Payout];
/// Calls of the burst that finds out what the three can carry.
const BURST: u64 = 10_000;
/// How long the measured load of a round lasts.
const LOAD: Duration = Duration::from_secs(10);
/// How often the two follow each other: a machine that is slow for a minute is slow for both.
const ROUNDS: usize = 5;
/// Share of what they can carry.
const SHARE: f64 = 0.5;
/// The aims.
const P50: Duration = Duration::from_millis(50);
const P99: Duration = Duration::from_millis(250);
/// The last delivery comes within this, or it is missing.
const ARRIVED_WITHIN: Duration = Duration::from_secs(120);

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let mut line = Line::start(context).await?;
    let burst = context.scale.events(BURST, 300);
    let load_time = context.scale.time(LOAD, Duration::from_secs(2));

    let (mut bursts, mut halves) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let carried = line.carry(burst, Duration::ZERO).await?;
        let half = carried.sample.rate() * SHARE;
        context.progress.say(&format!("delay round {round}/{ROUNDS}: the three carry {}", carried.sample));
        bursts.push(carried);

        let calls = ((half * load_time.as_secs_f64()) as u64).max(100);
        let measured = line.carry(calls, Duration::from_secs_f64(1.0 / half)).await?;
        let delays = Delays::of(half, &measured)?;
        context.progress.say(&format!("delay round {round}/{ROUNDS}: {delays}"));
        halves.push((measured, delays));
    }
    let (halves, delays): (Vec<Carried>, Vec<Delays>) = halves.into_iter().unzip();
    let accounts = vec![line.account(bursts.iter().chain(&halves)).await?];
    line.stop().await?;

    let (burst, half) = (contestant("as fast as it goes", &bursts), contestant("half load", &halves));
    print(&burst, &half, &delays);
    let row = |quantile, aim: Duration, name: &str| {
        let (least, middle, most) = over_rounds(&delays, quantile);
        Row {
            what: format!("postback delay at {}/s, {name}", grouped(half.rate())),
            ours: milliseconds(middle),
            beside: format!(
                "{} to {}; half of {}/s",
                milliseconds(least),
                milliseconds(most),
                grouped(burst.rate())
            ),
            ratio: String::new(),
            aim: format!("< {} ms", aim.as_millis()),
            verdict: if middle < aim { Verdict::Reached } else { Verdict::Missed },
        }
    };
    Ok(Outcome { rows: vec![row(0.5, P50, "p50"), row(0.99, P99, "p99")], accounts })
}

/// The way from AppsFlyer to the publisher.
struct Line {
    stack: Stack,
    broker: Broker,
    world: Arc<World>,
    postbacks: Postbacks,
    receiver: Receiver,
    meter: CpuMeter,
    door: SocketAddr,
    /// Path and signature.
    address: (String, String),
    /// Clicks used so far.
    used: u64,
}

/// A load that has arrived.
struct Carried {
    calls: Vec<Call>,
    /// Between the due time of a call and the first arrival at the publisher.
    delays: Vec<Duration>,
    twice: u64,
    sample: Sample,
}

impl Line {
    async fn start(context: Context<'_>) -> anyhow::Result<Self> {
        let options = StackOptions::new()
            .set(ServiceName::Ingest, "CREDENTIALS__KEYS", KEYS)
            .set(ServiceName::Ingest, "HTTP__WORKERS", "2")
            .set(ServiceName::Ingest, "DOOR__BASE_DOMAIN", "gokart.test")
            .set(ServiceName::Attribution, "CLICKS__KEYS", KEYS)
            .set(ServiceName::Payout, "SEALING__KEYS", KEYS)
            // One publisher stands for many here: its own bounds must not be what the burst finds out.
            .set(ServiceName::Payout, "DELIVERY__PER_PUBLISHER", "128")
            .set(ServiceName::Payout, "DELIVERY__PER_PUBLISHER_PER_SECOND", "100000");
        let mut stack = Stack::prepare(options).await;
        let broker = Broker::open(stack.namespace(), GROUP).await?;
        for service in SERVICES {
            if service.has_database() {
                assert_durable(&connect(&stack.database(service).app_url()).await?).await?;
            }
            stack.service(service).start().await;
        }
        let nodes = context.nodes;
        for queue in [bus::house::ATTRIBUTION_POSTBACKS, bus::house::PAYOUT_CONVERSIONS] {
            assert_quorum(&nodes.nodes, stack.namespace(), queue)?;
        }
        let mut meter = CpuMeter::of_generator();
        for service in SERVICES {
            meter = meter.with(service.binary(), stack.service(service).pid().context("a service runs")?);
        }
        let meter = meter
            .with_tree("PostgreSQL", nodes.conditions.postgres_pid)
            .with("RabbitMQ", nodes.conditions.rabbitmq_pid);

        let world = Arc::new(World::new(KEYS)?);
        let receiver = Receiver::start().await?;
        let template = format!(
            "http://127.0.0.1:{}/postback?key={{pub_click_id}}&conversion={{conversion_id}}",
            receiver.port()
        );
        let endpoint = seed::endpoint(&world, KEYS, template)?;
        // Facts that both read come twice, as they may; the versions tell.
        broker.publish(seed::for_payout(&world, vec![endpoint])).await?;
        broker.publish(seed::for_attribution(&world)).await?;
        let door =
            stack.endpoints().ingest.strip_prefix("http://").context("a plain http address")?.parse()?;
        Ok(Self {
            postbacks: Postbacks::new(Arc::clone(&world), 1),
            address: world.address(KEYS)?,
            stack,
            broker,
            world,
            receiver,
            meter,
            door,
            used: 0,
        })
    }

    /// Sends a call for each of `count` new clicks, one every `interval`, and waits until all have arrived.
    async fn carry(&mut self, count: u64, interval: Duration) -> anyhow::Result<Carried> {
        let first = self.used;
        self.used += count;
        self.click(first, count).await?;
        let requests = Arc::new((first..first + count).map(|click| self.request(click)).collect::<Vec<_>>());

        let (start, before) = (Instant::now(), self.meter.read());
        let calls = open(self.door, requests, interval).await?;
        let wanted = usize::try_from(self.used)?;
        eventually("all postbacks arrive at the publisher", ARRIVED_WITHIN, async || {
            let arrived = self.receiver.count();
            if arrived >= wanted { Ok(()) } else { Err(format!("{arrived} of {wanted}")) }
        })
        .await;
        let cpu = self.meter.since(&before);

        let arrivals = self.receiver.arrivals();
        let mut carried = Carried {
            delays: Vec::with_capacity(calls.len()),
            twice: 0,
            sample: Sample { events: count, wall: Duration::ZERO, cpu },
            calls,
        };
        for call in &carried.calls {
            let key = format!("{:016x}", first + call.number);
            let arrival = arrivals.get(&key).with_context(|| format!("nothing came for click {key}"))?;
            carried.delays.push(arrival.first.saturating_duration_since(call.due));
            carried.twice += u64::from(arrival.times > 1);
            let since_start = arrival.first.saturating_duration_since(start);
            carried.sample.wall = carried.sample.wall.max(since_start);
        }
        Ok(carried)
    }

    /// Clicks of users who will do something; attribution knows them before anybody calls.
    async fn click(&self, first: u64, count: u64) -> anyhow::Result<()> {
        let facts = (first..first + count)
            .map(|number| (Route::of::<ClickRecorded>(), seed::click(&self.world, number)));
        self.broker.publish(facts).await?;
        let attribution = connect(&self.stack.database(ServiceName::Attribution).admin_url()).await?;
        eventually("attribution knows the clicks", ARRIVED_WITHIN, async || {
            let known =
                self::count(&attribution, "SELECT count(*) FROM journeys WHERE click IS NOT NULL").await;
            known.is_ok_and(|known| known >= self.used)
        })
        .await;
        Ok(())
    }

    fn request(&self, click: u64) -> Vec<u8> {
        let (path, signature) = &self.address;
        let query = self.postbacks.install(click);
        Template::plain_get(
            &format!("api.{DOMAIN}.gokart.test"),
            &format!("{path}?signature={signature}&{query}"),
        )
    }

    async fn account(&self, all: impl Iterator<Item = &Carried>) -> anyhow::Result<Account> {
        let (mut sent, mut receipts, mut arrived, mut twice) = (0, 0, 0, 0);
        for carried in all {
            sent += carried.calls.len() as u64;
            receipts += carried.calls.iter().filter(|call| call.receipt.is_some()).count() as u64;
            arrived += carried.delays.len() as u64;
            twice += carried.twice;
        }
        let attribution = connect(&self.stack.database(ServiceName::Attribution).admin_url()).await?;
        let payout = connect(&self.stack.database(ServiceName::Payout).admin_url()).await?;
        let decided = "SELECT count(*) FROM decisions WHERE is_current AND code = 'QUALIFIED'";
        let posted = "SELECT count(DISTINCT conversion_id) FROM ledger_transfers
            WHERE flow = 'payable' AND kind IN ('post', 'posted')";
        Ok(Account::of("delay", sent)
            .found("receipts", receipts)
            .found("decisions", count(&attribution, decided).await?)
            .found("payables posted", count(&payout, posted).await?)
            .found("arrived at the publisher", arrived)
            .remark((twice > 0).then(|| format!("{twice} arrived more than once, as at-least-once may"))))
    }

    async fn stop(self) -> anyhow::Result<()> {
        let Self { mut stack, broker, .. } = self;
        for service in SERVICES {
            let status = stack.service(service).stop().await;
            ensure!(status.success(), "{} stopped with {status}", service.binary());
        }
        broker.close().await
    }
}

/// The delays of one round, in microseconds.
struct Delays {
    /// Calls in a second.
    half: f64,
    histogram: Histogram<u64>,
}

impl Delays {
    fn of(half: f64, carried: &Carried) -> anyhow::Result<Self> {
        let mut histogram = Histogram::new(3)?;
        for delay in &carried.delays {
            histogram.record(u64::try_from(delay.as_micros())?)?;
        }
        Ok(Self { half, histogram })
    }

    fn at(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.histogram.value_at_quantile(quantile))
    }
}

impl fmt::Display for Delays {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quantiles: Vec<String> =
            [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)]
                .into_iter()
                .map(|(name, quantile)| format!("{name} {}", milliseconds(self.at(quantile))))
                .collect();
        write!(out, "at {}/s: {}", grouped(self.half), quantiles.join(", "))
    }
}

/// The least, the middle and the most of a quantile of each round.
fn over_rounds(rounds: &[Delays], quantile: f64) -> (Duration, Duration, Duration) {
    let mut of_rounds: Vec<Duration> = rounds.iter().map(|round| round.at(quantile)).collect();
    of_rounds.sort_unstable();
    let at = |place: usize| of_rounds.get(place).copied().unwrap_or_default();
    (at(0), at(of_rounds.len() / 2), at(of_rounds.len().saturating_sub(1)))
}

fn contestant(name: &'static str, rounds: &[Carried]) -> Contestant {
    Contestant { name, samples: rounds.iter().map(|carried| carried.sample.clone()).collect() }
}

fn print(burst: &Contestant, half: &Contestant, delays: &[Delays]) {
    println!("\npostback delay: AppsFlyer's call to the publisher's receipt, open loop");
    println!("    {:<24} {:>10}  {:>9} … {:<9} CPU µs each", "", "median/s", "slowest", "fastest");
    println!("{}", burst.line());
    println!("{}", half.line());
    for round in delays {
        println!("    {round}");
    }
    println!("    the bursts are limited by {}", limit(burst));
}
