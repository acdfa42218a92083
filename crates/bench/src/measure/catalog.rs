//! offer-catalog: what a list and a get take with a hundred thousand offers of one tenant, beside ten thousand; and how long
//! a change takes to reach every read model.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use system_tests::{ServiceName, Stack, StackOptions, api::Api, catalog::Tenant};
use test_kit::eventually;
use tokio_postgres::Client;

use super::{Context, Outcome};
use crate::{
    database::{connect, count, settle},
    report::{Account, Row, Verdict, fine_milliseconds, grouped, milliseconds, percent},
    seed,
};

/// Offers of the tenant, few and many.
const FEW: u64 = 10_000;
const MANY: u64 = 100_000;
/// Calls of each kind at each size.
const CALLS: usize = 200;
/// Changes that are followed.
const CHANGES: usize = 50;
/// The aims.
const ANSWERED_WITHIN: Duration = Duration::from_millis(10);
const GROWTH: f64 = 1.3;
const HEARD_WITHIN: Duration = Duration::from_secs(1);
/// A change that is not heard of within this is missing.
const HEARD_AT_ALL: Duration = Duration::from_secs(60);
/// Who keeps offers.
const READERS: [ServiceName; 2] = [ServiceName::Tracker, ServiceName::Attribution];
/// How often a read model is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What is asked, with the words for it.
const LISTS: [(&str, &str); 3] = [
    ("the first page of the list", "/api/v1/offers?page_size=20"),
    ("a page of the Ready ones", "/api/v1/offers?page_size=20&status=Ready"),
    ("page 50 of the list", "/api/v1/offers?page_size=20&page=50"),
];

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let mut stack = Stack::prepare(StackOptions::new()).await;
    for service in [ServiceName::OfferCatalog].into_iter().chain(READERS) {
        stack.service(service).start().await;
    }
    let tenant = Tenant::create(stack.endpoints(), "Brownboots").await?;
    let publisher =
        tenant.publisher("Rewardville", "GET", "https://rewardville.example/pb?id={conversion_id}").await?;
    let offer = seed::shared_offer(&tenant, &publisher).await?;
    let (heard, account) = follow_changes(&stack, &tenant, &offer).await?;

    let admin = connect(&stack.database(ServiceName::OfferCatalog).admin_url()).await?;
    let mut sizes = Vec::new();
    for size in [FEW, MANY] {
        let size = context.scale.events(size, size / 100);
        let there = count(&admin, "SELECT count(*) FROM offers").await?;
        seed::copy_offer(&admin, &offer, size.saturating_sub(there)).await?;
        settle(&admin).await?;
        let times = ask(&tenant.api, &offer).await?;
        context.progress.say(&format!("catalog: asked with {} offers", grouped(size as f64)));
        sizes.push((size, times));
    }
    for service in READERS.into_iter().chain([ServiceName::OfferCatalog]) {
        ensure!(stack.service(service).stop().await.success(), "a service does not stop in peace");
    }

    let mut rows = growth_rows(&sizes, context)?;
    rows.push(heard_row(heard));
    Ok(Outcome { rows, accounts: vec![account] })
}

/// Pauses and resumes the offer again and again; how long until every reader's database has it.
async fn follow_changes(
    stack: &Stack,
    tenant: &Tenant,
    offer: &str,
) -> anyhow::Result<(Vec<Duration>, Account)> {
    let mut readers = Vec::new();
    for service in READERS {
        readers.push((service.binary(), connect(&stack.database(service).app_url()).await?));
    }
    let mut times = Vec::new();
    for change in 0..=CHANGES {
        let verb = if change % 2 == 0 { "pause" } else { "resume" };
        let changed = tenant.api.post(&format!("/api/v1/offers/{offer}/{verb}"), &json!({})).await?;
        let answered = Instant::now();
        let revision = changed.pointer("/revision").and_then(Value::as_i64).context("a revision")?;
        for (name, reader) in &readers {
            eventually(&format!("{name} hears of it"), HEARD_AT_ALL, async || {
                let known = revision_of(reader, offer).await.map_err(|error| error.to_string())?;
                if known >= revision {
                    return Ok(());
                }
                tokio::time::sleep(LOOK_EVERY).await;
                Err(format!("revision {known} of {revision}"))
            })
            .await;
        }
        // The first one finds connections that were never used.
        if change > 0 {
            times.push(answered.elapsed());
        }
    }
    let account =
        Account::of("catalog: changes", CHANGES as u64).found("in every read model", times.len() as u64);
    Ok((times, account))
}

async fn revision_of(reader: &Client, offer: &str) -> anyhow::Result<i64> {
    let query = format!("SELECT coalesce(max(revision), 0)::bigint FROM offers WHERE offer_id = '{offer}'");
    Ok(i64::try_from(count(reader, &query).await?)?)
}

/// The median time of each kind of call, in the order of [`LISTS`] and then a get.
async fn ask(api: &Api, offer: &str) -> anyhow::Result<Vec<Duration>> {
    let get = format!("/api/v1/offers/{offer}");
    let mut medians = Vec::new();
    for path in LISTS.iter().map(|(_, path)| *path).chain([get.as_str()]) {
        let mut times = Vec::with_capacity(CALLS);
        // The first calls find caches cold, and are not counted.
        for call in 0..CALLS + CALLS / 10 {
            let started = Instant::now();
            api.get(path).await?;
            if call >= CALLS / 10 {
                times.push(started.elapsed());
            }
        }
        medians.push(median(times));
    }
    Ok(medians)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn growth_rows(sizes: &[(u64, Vec<Duration>)], context: Context<'_>) -> anyhow::Result<Vec<Row>> {
    let [(few, before), (many, after)] = sizes else { anyhow::bail!("two sizes") };
    println!(
        "\noffer-catalog: medians of {CALLS} calls, one after the other, with {} and {} offers",
        grouped(*few as f64),
        grouped(*many as f64)
    );
    let what = LISTS.iter().map(|(what, _)| *what).chain(["one offer"]);
    let rows = what.zip(before).zip(after).map(|((what, before), after)| {
        let growth = after.as_secs_f64() / before.as_secs_f64().max(f64::EPSILON);
        println!("    {what}: {} and {}", fine_milliseconds(*before), fine_milliseconds(*after));
        let holds = *after < ANSWERED_WITHIN && growth <= GROWTH;
        Row {
            what: format!("offer-catalog: {what}, {} offers", grouped(*many as f64)),
            ours: fine_milliseconds(*after),
            beside: format!("with {}: {}", grouped(*few as f64), fine_milliseconds(*before)),
            ratio: percent(growth),
            aim: format!("< {}, ≤ {}", milliseconds(ANSWERED_WITHIN), percent(GROWTH)),
            verdict: Verdict::of(holds, context.scale.is_whole()),
        }
    });
    Ok(rows.collect())
}

fn heard_row(times: Vec<Duration>) -> Row {
    let slowest = times.iter().max().copied().unwrap_or_default();
    let median = median(times);
    println!(
        "    a change is in every read model after {} (median; at the most {})",
        milliseconds(median),
        milliseconds(slowest)
    );
    Row {
        what: "offer-catalog: from a change's answer to every read model".to_owned(),
        ours: milliseconds(median),
        beside: format!("slowest {}", milliseconds(slowest)),
        ratio: String::new(),
        aim: format!("< {}", milliseconds(HEARD_WITHIN)),
        verdict: if median < HEARD_WITHIN { Verdict::Reached } else { Verdict::Missed },
    }
}
