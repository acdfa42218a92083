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
    let offer = shared_offer(&tenant).await?;
    let (heard, account) = follow_changes(&stack, &tenant, &offer).await?;

    let admin = connect(&stack.database(ServiceName::OfferCatalog).admin_url()).await?;
    let mut sizes = Vec::new();
    for size in [FEW, MANY] {
        let size = context.scale.events(size, size / 100);
        grow(&admin, &offer, size).await?;
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

/// The guide's offer, shared.
async fn shared_offer(tenant: &Tenant) -> anyhow::Result<String> {
    let advertiser = tenant.advertiser("Golfin").await?;
    let publisher =
        tenant.publisher("Rewardville", "GET", "https://rewardville.example/pb?id={conversion_id}").await?;
    let fields = json!({
        "offerType": "MultiEvent", "trackingSystem": "AppsFlyer", "advertiserId": advertiser, "name": "Golfin iOS",
        "trackingSystemLink": "https://app.appsflyer.com/id123456789?pid=gokart_int",
        "headline": "Play golf, earn coins", "shortDescription": "Install Golfin and reach level 10.",
        "categories": ["Golf", "Sports"], "budget": {"total": "5000.00"}, "currency": "USD", "launchDate": "2026-01-01",
        "ageRanges": ["18+"], "platforms": ["IOS"], "countries": ["US", "ZA", "AU"],
        "events": [
            {"eventId": "Install", "name": "Install", "sequenceNumber": 1, "pendingTime": 0, "revenue": "2.00", "payout": "1.00"},
            {"eventId": "level_10", "name": "Reach Level 10", "sequenceNumber": 2, "pendingTime": 0, "revenue": "5.00", "payout": "3.00"},
        ],
    });
    let offer = tenant.offer(&fields).await?;
    Ok(tenant.share(&offer, &publisher).await?.offer_id)
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

/// Copies the offer, its version, events, names and share until there are `size` of them. The copies are as the API would have
/// made them, but for their facts: nobody was told.
async fn grow(admin: &Client, offer: &str, size: u64) -> anyhow::Result<()> {
    let there = count(admin, "SELECT count(*) FROM offers").await?;
    let missing = size.saturating_sub(there);
    let columns = |table: &'static str| async move {
        let query = "SELECT column_name::text FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position";
        let rows = admin.query(query, &[&table]).await?;
        rows.iter().map(|row| row.try_get::<_, String>(0)).collect::<Result<Vec<_>, _>>()
    };
    admin
        .batch_execute(&format!(
            "CREATE TEMP TABLE copies AS SELECT gen_random_uuid() AS new_offer, gen_random_uuid() AS new_link, number
             FROM generate_series(1, {missing}) AS number"
        ))
        .await?;
    for table in ["offers", "offer_versions", "offer_events", "offer_event_names", "offer_shares"] {
        let columns = columns(table).await?;
        let values: Vec<String> = columns
            .iter()
            .map(|column| match column.as_str() {
                "offer_id" => "new_offer".to_owned(),
                "link_id" => "new_link".to_owned(),
                "created_at" => "created_at - number * interval '1 second'".to_owned(),
                other => format!("{table}.{other}"),
            })
            .collect();
        admin
            .batch_execute(&format!(
                "INSERT INTO {table} ({}) SELECT {} FROM {table}, copies WHERE offer_id = '{offer}'",
                columns.join(", "),
                values.join(", ")
            ))
            .await
            .with_context(|| format!("copying rows of {table}"))?;
    }
    admin.batch_execute("DROP TABLE copies").await?;
    Ok(())
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
            verdict: match (context.scale.is_whole(), holds) {
                (false, _) => Verdict::TooSmall,
                (true, true) => Verdict::Reached,
                (true, false) => Verdict::Missed,
            },
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
