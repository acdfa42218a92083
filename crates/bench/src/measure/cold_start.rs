//! tracker's cold start: from the start of its process until it says that it is ready, with a hundred thousand shared offers,
//! once from its database and once from its file, while the database does not answer.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use kernel::{LinkId, OfferId};
use system_tests::{ServiceName, ServiceProcess, Stack, StackOptions, lone::CREDENTIAL_KEYS as KEYS};
use test_kit::eventually;
use uuid::Uuid;

use super::{Context, Outcome};
use crate::{
    broker::{Broker, GROUP},
    database::{connect, count},
    report::{Account, Row, Verdict, grouped, milliseconds},
    seed::{self, World},
};

/// Shared offers.
const OFFERS: u64 = 100_000;
/// Starts of each kind.
const ROUNDS: usize = 5;
/// The aim.
const READY_WITHIN: Duration = Duration::from_secs(3);
/// All offers are in the read model within this, or they are missing.
const TOLD_WITHIN: Duration = Duration::from_secs(300);
/// Nobody listens there.
const NO_DATABASE: &str = "postgres://nobody:nothing@127.0.0.1:1/none";

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let offers = context.scale.events(OFFERS, 1_000);
    let options = StackOptions::new().set(ServiceName::Tracker, "CLICKS__KEYS", KEYS).set(
        ServiceName::Tracker,
        "OFFERS__SAVE_AFTER_MS",
        "100",
    );
    let mut stack = Stack::prepare(options).await;
    let broker = Broker::open(stack.namespace(), GROUP).await?;
    stack.service(ServiceName::Tracker).start().await;
    tell(&broker, offers).await?;
    let database = stack.database(ServiceName::Tracker).app_url();
    let client = connect(&database).await?;
    let known = eventually("tracker has all offers", TOLD_WITHIN, async || {
        let known = count(&client, "SELECT count(*) FROM offers").await.map_err(|error| error.to_string())?;
        if known == offers { Ok(known) } else { Err(format!("{known} of {offers}")) }
    })
    .await;
    context.progress.say(&format!("cold start: tracker's read model holds {} offers", grouped(known as f64)));

    let tracker = stack.service(ServiceName::Tracker);
    let file = tracker.setting("OFFERS__FILE").context("the file of offers is set")?.to_owned();
    let (mut from_database, mut from_file) = (Vec::new(), Vec::new());
    for round in 1..=context.scale.rounds(ROUNDS) {
        ensure!(tracker.stop().await.success(), "tracker does not stop in peace");
        remove(&file)?;
        from_database.push(start(tracker).await);
        eventually("the file of offers is written", TOLD_WITHIN, async || {
            std::fs::metadata(&file).map(drop).map_err(|error| error.to_string())
        })
        .await;

        ensure!(tracker.stop().await.success(), "tracker does not stop in peace");
        tracker.set("DATABASE__URL", NO_DATABASE);
        from_file.push(start(tracker).await);
        tracker.set("DATABASE__URL", &database);
        let last = |times: &[Duration]| times.last().copied().map(milliseconds).unwrap_or_default();
        context.progress.say(&format!(
            "cold start round {round}: from the database {}, from the file {}",
            last(&from_database),
            last(&from_file)
        ));
        ensure!(tracker.stop().await.success(), "tracker does not stop in peace");
        tracker.start().await;
    }
    ensure!(tracker.stop().await.success(), "tracker does not stop in peace");
    broker.close().await?;

    println!("\ntracker: from started to ready with {} shared offers", grouped(offers as f64));
    let rows = [("from its database", from_database), ("from its file", from_file)]
        .map(|(source, times)| row(source, times, context));
    let account = Account::of("offers told to tracker", offers).found("in its read model", known);
    Ok(Outcome { rows: rows.to_vec(), accounts: vec![account] })
}

/// Says an offer after the other, all of one tenant.
async fn tell(broker: &Broker, offers: u64) -> anyhow::Result<()> {
    let mut world = World::new(KEYS)?;
    let facts = (0..offers).flat_map(|_| {
        world.offer = OfferId::from_uuid(Uuid::now_v7());
        world.link = LinkId::from_uuid(Uuid::now_v7());
        seed::for_tracker(&world)
    });
    broker.publish(facts).await
}

fn remove(file: &str) -> anyhow::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context("removing the file of offers")
        }
        _ => Ok(()),
    }
}

async fn start(tracker: &mut ServiceProcess) -> Duration {
    let started = Instant::now();
    tracker.start().await;
    started.elapsed()
}

fn row(source: &str, mut times: Vec<Duration>, context: Context<'_>) -> Row {
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let (fastest, slowest) = (times.first().copied(), times.last().copied());
    println!(
        "    {source}: median {}, {} … {}",
        milliseconds(median),
        milliseconds(fastest.unwrap_or_default()),
        milliseconds(slowest.unwrap_or_default())
    );
    Row {
        what: format!("tracker: start to ready, {source}"),
        ours: milliseconds(median),
        beside: String::new(),
        ratio: String::new(),
        aim: format!("< {}", milliseconds(READY_WITHIN)),
        verdict: Verdict::of(median < READY_WITHIN, context.scale.is_whole()),
    }
}
