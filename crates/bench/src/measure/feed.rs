//! offer-catalog's partner feed: what a page takes when a publisher walks its thousand offers, which lie among a hundred
//! thousand, and what it takes to say that nothing has changed. Beside both: the page's bare SQL, and handlers that do nothing.

use std::{
    collections::HashSet,
    net::SocketAddr,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use system_tests::{ServiceName, Stack, StackOptions, api::text, catalog::Tenant};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{Context, Outcome};
use crate::{
    beside::{DoNothing, ServerShape},
    database::{connect, settle},
    load::Connection,
    machine::CpuMeter,
    report::{Account, Row, SingleCalls, Verdict, fine_milliseconds, grouped, megabytes, percent},
    seed,
};

/// Offers of the publisher that walks, and of another one.
const OFFERS: u64 = 1_000;
const OTHERS: u64 = 99_000;
/// Offers on a page: the most that may be asked for.
const PAGE: u64 = 100;
/// Turns of each, and what is done in one.
const ROUNDS: usize = 10;
const WALKS: usize = 5;
const UNCHANGED: usize = 200;
/// The aims.
const PAGE_WITHIN: Duration = Duration::from_millis(50);
const UNCHANGED_WITHIN: Duration = Duration::from_millis(5);
/// As often as we like: what is measured is a page, and not the door's patience.
const CALLS_PER_MINUTE: &str = "1000000";

const FEED: &str = "/api/v1/sdk-offer-management/partner";
/// All that is read for a page, in one statement: its lines, their offers and shares.
const BARE_PAGE: &str = "
    SELECT line.offer_id, line.shared_at, line.changed_at, offers.status, offers.newest_version, offers.revision,
        offers.fields::text, offers.event_stops::text, share.link_id
    FROM partner_offers AS line
    JOIN offers USING (tenant_id, offer_id)
    JOIN offer_shares AS share USING (tenant_id, offer_id)
    WHERE line.tenant_id = $1 AND line.publisher_id = $2 AND (line.shared_at, line.offer_id) > ($3, $4)
    ORDER BY line.shared_at, line.offer_id
    LIMIT $5";

/// A page as it was read before the clock ran.
struct Page {
    request: Vec<u8>,
    body: Vec<u8>,
}

/// The whole feed as it was read before the clock ran.
struct Feed {
    pages: Vec<Page>,
    offers: HashSet<String>,
    /// Asks for the first page again, with its `ETag`.
    unchanged: Vec<u8>,
}

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let offers = context.scale.events(OFFERS, PAGE);
    let shape = ServerShape::OF_THE_SERVICES;
    let shaped = shape.settings();
    let rate = ["FEED__CALLS_PER_MINUTE", "FEED__BURST"].map(|key| (key, CALLS_PER_MINUTE.to_owned()));
    let options = shaped.into_iter().chain(rate).fold(StackOptions::new(), |options, (key, value)| {
        options.set(ServiceName::OfferCatalog, key, value)
    });
    let mut stack = Stack::prepare(options).await;
    stack.service(ServiceName::OfferCatalog).start().await;
    let address: SocketAddr =
        stack.endpoints().offer_catalog.strip_prefix("http://").context("a plain http address")?.parse()?;
    let tenant = Tenant::create(stack.endpoints(), "Brownboots").await?;
    let (publisher, token) = fill(&stack, &tenant, offers, context).await?;

    let mut partner = Connection::open(address).await?;
    let feed = Feed::read(&mut partner, address, &token).await?;
    let bytes: usize = feed.pages.iter().map(|page| page.body.len()).sum();
    let bare = connect(&stack.database(ServiceName::OfferCatalog).app_url()).await?;
    let handler = DoNothing::start_with_body(shape, bytes / feed.pages.len().max(1)).await?;
    let brief = DoNothing::start(shape, None).await?;
    let (mut nothing, mut nothing_brief) =
        (Connection::open(handler.address).await?, Connection::open(brief.address).await?);

    let pid = stack.service(ServiceName::OfferCatalog).pid().context("it runs")?;
    let postgres = ("PostgreSQL", context.nodes.conditions.postgres_pid);
    let bare_meter = CpuMeter::of_generator().with_tree(postgres.0, postgres.1);
    let meter = CpuMeter::of_generator().with("offer-catalog", pid).with_tree(postgres.0, postgres.1);
    let nothing_meter = CpuMeter::of_generator().with("handler", handler.pid());
    let brief_meter = CpuMeter::of_generator().with("handler", brief.pid());

    let mut page = SingleCalls::new("a page of the feed");
    let mut bare_page = SingleCalls::new("its bare SQL");
    let mut nothing_page = SingleCalls::new("handler, same body");
    let mut unchanged = SingleCalls::new("nothing has changed");
    let mut nothing_else = SingleCalls::new("do-nothing handler");
    let (mut pages, mut same, mut not_modified) = (0_u64, 0_u64, 0_u64);
    let rounds = context.scale.rounds(ROUNDS);
    for round in 0..=rounds {
        let is_counted = round > 0;
        turn(&mut bare_page, &bare_meter, is_counted, bare_walks(&bare, &tenant.id, &publisher, offers))
            .await?;
        let walks = async {
            let mut times = Vec::new();
            for known in feed.walks() {
                times.push(exchange(&mut nothing, &known.request).await?.0);
            }
            Ok(times)
        };
        turn(&mut nothing_page, &nothing_meter, is_counted, walks).await?;
        let walks = async {
            let mut times = Vec::new();
            for known in feed.walks() {
                let (time, status, body) = exchange(&mut partner, &known.request).await?;
                pages += 1;
                same += u64::from(status == 200 && body == known.body);
                times.push(time);
            }
            Ok(times)
        };
        turn(&mut page, &meter, is_counted, walks).await?;

        let calls = async {
            let mut times = Vec::new();
            for _call in 0..UNCHANGED {
                times.push(exchange(&mut nothing_brief, &feed.unchanged).await?.0);
            }
            Ok(times)
        };
        turn(&mut nothing_else, &brief_meter, is_counted, calls).await?;
        let calls = async {
            let mut times = Vec::new();
            for _call in 0..UNCHANGED {
                let (time, status, _body) = exchange(&mut partner, &feed.unchanged).await?;
                not_modified += u64::from(status == 304);
                times.push(time);
            }
            Ok(times)
        };
        turn(&mut unchanged, &meter, is_counted, calls).await?;
        if is_counted {
            context.progress.say(&format!(
                "feed round {round}/{rounds}: {}, {}, {}",
                page.last_words(),
                bare_page.last_words(),
                unchanged.last_words()
            ));
        }
    }
    drop((partner, nothing, nothing_brief, handler, brief));
    ensure!(stack.service(ServiceName::OfferCatalog).stop().await.success(), "it does not stop in peace");

    println!(
        "\npartner feed of {} offers among {}, pages of {PAGE} offers with {} each, one call after the other",
        grouped(offers as f64),
        grouped((offers + others(context)) as f64),
        megabytes((bytes / feed.pages.len().max(1)) as u64)
    );
    println!("{}", SingleCalls::head());
    for calls in [&page, &bare_page, &nothing_page, &unchanged, &nothing_else] {
        println!("{}", calls.line());
    }
    let is_whole = context.scale.is_whole();
    let mut rows =
        beside("partner feed: a page's median", &page, PAGE_WITHIN, is_whole, &[&bare_page, &nothing_page]);
    rows.extend(beside(
        "partner feed: a 304's median",
        &unchanged,
        UNCHANGED_WITHIN,
        is_whole,
        &[&nothing_else],
    ));
    let asked = (UNCHANGED * (rounds + 1)) as u64;
    let accounts = vec![
        Account::of("feed: offers that are shared", offers)
            .found("met in a walk, each once", feed.offers.len() as u64),
        Account::of("feed: pages of all walks", pages)
            .found("the very same as the page that was read and counted", same),
        Account::of("feed: calls of one who has it all", asked).found("answered 304", not_modified),
    ];
    Ok(Outcome { rows, accounts })
}

fn others(context: Context<'_>) -> u64 {
    context.scale.events(OTHERS, 1_000)
}

/// Shares `offers` with a publisher, and many others with another one; answers the first one's id and token.
async fn fill(
    stack: &Stack,
    tenant: &Tenant,
    offers: u64,
    context: Context<'_>,
) -> anyhow::Result<(String, String)> {
    let admin = connect(&stack.database(ServiceName::OfferCatalog).admin_url()).await?;
    let mut ids = Vec::new();
    for (name, count) in [("Rewardville", offers), ("Cashback", others(context))] {
        let publisher =
            tenant.publisher(name, "GET", "https://rewardville.example/pb?id={conversion_id}").await?;
        let offer = seed::shared_offer(tenant, &publisher).await?;
        seed::copy_offer(&admin, &offer, count.saturating_sub(1)).await?;
        ids.push(publisher.id);
    }
    settle(&admin).await?;
    let publisher = ids.into_iter().next().context("the first publisher")?;
    let body = json!({"role": "publisher", "publisherId": publisher});
    let token = tenant.api.post("/api/v1/tokens", &body).await?;
    context.progress.say(&format!("feed: {} offers are shared", grouped((offers + others(context)) as f64)));
    Ok((publisher, text(&token, "/apiToken")?.to_owned()))
}

impl Feed {
    /// Walks it once, as a publisher does: from cursor to cursor.
    async fn read(partner: &mut Connection, host: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let get = |target: &str, header: &str| {
            let head = format!(
                "GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: ApiToken {token}\r\n\
                 Accept: application/json\r\n{header}Connection: keep-alive\r\n\r\n"
            );
            head.into_bytes()
        };
        let first = format!("{FEED}?page_size={PAGE}");
        let (mut pages, mut offers, mut unchanged) = (Vec::new(), HashSet::new(), Vec::new());
        let mut next = Some(first.clone());
        while let Some(target) = next {
            let request = get(&target, "");
            let answer = partner.exchange(&request).await?;
            ensure!(answer.status == 200, "{target} is answered {}", answer.status);
            if unchanged.is_empty() {
                let seen = answer.header("etag").context("a page has an ETag")?;
                unchanged = get(&first, &format!("If-None-Match: {seen}\r\n"));
            }
            let body = answer.body.to_vec();
            let page: Value = serde_json::from_slice(&body)?;
            for offer in page.pointer("/items").and_then(Value::as_array).into_iter().flatten() {
                ensure!(offers.insert(text(offer, "/offerId")?.to_owned()), "a walk met an offer twice");
            }
            let cursor = page.pointer("/nextCursor").and_then(Value::as_str);
            next = cursor.map(|cursor| format!("{first}&cursor={cursor}"));
            pages.push(Page { request, body });
        }
        Ok(Self { pages, offers, unchanged })
    }

    /// Every page of the walks of one turn.
    fn walks(&self) -> impl Iterator<Item = &Page> {
        (0..WALKS).flat_map(|_walk| &self.pages)
    }
}

/// One call: its time from the first byte sent to the last one read, and what came.
async fn exchange<'a>(
    connection: &'a mut Connection,
    request: &[u8],
) -> anyhow::Result<(Duration, u16, &'a [u8])> {
    let sent = Instant::now();
    let answer = connection.exchange(request).await?;
    Ok((sent.elapsed(), answer.status, answer.body))
}

/// The same walks as statements, and nothing else.
async fn bare_walks(
    client: &Client,
    tenant: &str,
    publisher: &str,
    offers: u64,
) -> anyhow::Result<Vec<Duration>> {
    let (tenant, publisher): (Uuid, Uuid) = (tenant.parse()?, publisher.parse()?);
    let statement = client.prepare(BARE_PAGE).await?;
    let size = i64::try_from(PAGE)?;
    let mut times = Vec::new();
    for _walk in 0..WALKS {
        let (mut after, mut id, mut met) = (SystemTime::UNIX_EPOCH, Uuid::nil(), 0);
        while met < offers {
            let sent = Instant::now();
            let rows = client.query(&statement, &[&tenant, &publisher, &after, &id, &size]).await?;
            times.push(sent.elapsed());
            let last = rows.last().context("a page has offers")?;
            (id, after) = (last.try_get(0)?, last.try_get(1)?);
            met += rows.len() as u64;
        }
    }
    Ok(times)
}

/// A turn of one contestant; the first of all warms up and does not count.
async fn turn(
    calls: &mut SingleCalls,
    meter: &CpuMeter,
    is_counted: bool,
    work: impl Future<Output = anyhow::Result<Vec<Duration>>>,
) -> anyhow::Result<()> {
    let (before, started) = (meter.read(), Instant::now());
    let times = work.await?;
    if is_counted {
        calls.add(&times, started.elapsed(), meter.since(&before))?;
    }
    Ok(())
}

/// Ours beside each of the others, with the aim on ours alone.
fn beside(
    what: &str,
    ours: &SingleCalls,
    within: Duration,
    is_whole: bool,
    others: &[&SingleCalls],
) -> Vec<Row> {
    let median = ours.median();
    let row = |other: &&SingleCalls| Row {
        what: what.to_owned(),
        ours: fine_milliseconds(median),
        beside: format!("{} {}", other.name(), fine_milliseconds(other.median())),
        ratio: percent(median.as_secs_f64() / other.median().as_secs_f64().max(f64::EPSILON)),
        aim: format!("< {} ms", within.as_millis()),
        verdict: Verdict::of(median < within, is_whole),
    };
    others.iter().map(row).collect()
}
