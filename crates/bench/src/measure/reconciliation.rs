//! attribution's reconciliation of AppsFlyer's largest report: how long a gigabyte takes to come in and to be compared, and how
//! much memory the service needs for it.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use bus::Route;
use contracts::{ingest::PostbackReceived, tracker::ClickRecorded};
use kernel::{ClickId, TenantId};
use serde_json::Value;
use system_tests::{
    ServiceName, Stack, StackOptions, api::Api, catalog::Tenant, lone::CREDENTIAL_KEYS as KEYS,
};
use test_kit::eventually;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufWriter},
    net::TcpStream,
};
use tokio_postgres::Client;

use super::{Context, Outcome};
use crate::{
    broker::{Broker, GROUP},
    database::{connect, count, settle},
    machine::Memory,
    report::{Account, Row, Verdict, grouped, megabytes, milliseconds, percent},
    seed::{self, EVENTS, Postbacks, Spread, World},
};

/// Bytes of the report; a whole one is just under what the door takes.
const BYTES: u64 = 1_000_000_000;
/// A line, as long as AppsFlyer's are with its usual fields.
const LINE: usize = 1_000;
/// Postbacks that the service decides itself; the others are copies.
const DECIDED: u64 = 3_000;
/// The aim: what every service may need under load.
const MOST: u64 = 100_000_000;
/// Longer, and it is called stuck.
const DONE_WITHIN: Duration = Duration::from_secs(3_600);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Sent at a time.
const CHUNK: usize = 256 * 1024;

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    // Every line has a postback of its own, and these come by the thousand users.
    let lines = context.scale.events(BYTES / LINE as u64, DECIDED) / DECIDED * DECIDED;
    let options = StackOptions::new().set(ServiceName::Attribution, "CLICKS__KEYS", KEYS);
    let mut stack = Stack::prepare(options).await;
    for service in [ServiceName::OfferCatalog, ServiceName::Attribution] {
        stack.service(service).start().await;
    }
    let tenant = Tenant::create(stack.endpoints(), "Brownboots").await?;
    let admin = connect(&stack.database(ServiceName::Attribution).admin_url()).await?;
    let stored = fill(&stack, &tenant, &admin, lines).await?;
    context.progress.say(&format!("reconciliation: {} postbacks are stored", grouped(lines as f64)));
    let attribution = stack.service(ServiceName::Attribution);
    ensure!(attribution.stop().await.success(), "attribution does not stop in peace");
    attribution.start().await;

    let pid = attribution.pid().context("it runs")?;
    let before = Memory::of(pid)?;
    let api = Api::new(&stack.endpoints().attribution, &tenant.token);
    let start = Instant::now();
    let address = stack.endpoints().attribution.strip_prefix("http://").context("plain http")?.parse()?;
    let (id, sent) = send(address, &tenant.token, &stored, lines).await?;
    let received = start.elapsed();
    context.progress.say(&format!("reconciliation: {} came in {}", megabytes(sent), milliseconds(received)));
    let body = eventually("the report is compared", DONE_WITHIN, async || {
        tokio::time::sleep(LOOK_EVERY).await;
        let body =
            api.get(&format!("/api/v1/reconciliations/{id}")).await.map_err(|error| error.to_string())?;
        if body["finishedAt"].is_string() { Ok(body) } else { Err(body["compared"].to_string()) }
    })
    .await;
    let all = start.elapsed();
    let memory = Memory::of(pid)?;
    let bare = bare(&admin).await?;

    let is_whole = context.scale.is_whole();
    let rate = |time: Duration| lines as f64 / time.as_secs_f64();
    let row = |what: &str, time: Duration| Row {
        what: format!("reconciliation: {} lines, {what}", grouped(lines as f64)),
        ours: milliseconds(time),
        beside: format!("its lines, bare {}", milliseconds(bare)),
        ratio: percent(bare.as_secs_f64() / time.as_secs_f64()),
        aim: String::new(),
        verdict: Verdict::NoAim,
    };
    let most = memory.peak.max(memory.resident);
    let rows = vec![
        row("received", received),
        row("received and compared", all),
        Row {
            what: format!("reconciliation: memory for {} of report", megabytes(sent)),
            ours: megabytes(most),
            beside: format!("before {}", megabytes(before.resident)),
            ratio: String::new(),
            aim: format!("< {}", megabytes(MOST)),
            verdict: Verdict::of(most < MOST, is_whole),
        },
    ];
    println!("\nreconciliation of {} in {} lines", megabytes(sent), grouped(lines as f64));
    println!("    received in {}: {} lines a second", milliseconds(received), grouped(rate(received)));
    println!(
        "    compared in {}: {} lines a second",
        milliseconds(all - received),
        grouped(rate(all - received))
    );
    println!("    its rows inserted again, bare: {}", milliseconds(bare));
    println!("    memory: {} before, {} at the most", megabytes(before.resident), megabytes(most));
    let number = |pointer: &str| body.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let met = body["buckets"].as_array().into_iter().flatten().filter(|one| one["bucket"] != "neverReached");
    let met: u64 = met.filter_map(|bucket| bucket["lines"].as_u64()).sum();
    let account = Account::of("reconciliation: lines", lines)
        .found("stored", number("/lines"))
        .found("compared", number("/compared"))
        .found("laid beside their postback", met);
    for service in [ServiceName::OfferCatalog, ServiceName::Attribution] {
        ensure!(stack.service(service).stop().await.success(), "{service:?} does not stop in peace");
    }
    Ok(Outcome { rows, accounts: vec![account] })
}

/// What the report reports.
struct Stored {
    /// Every click did all events.
    clicks: Vec<ClickId>,
    /// When, as Unix milliseconds: AppsFlyer and the postbacks say the same.
    times: [i64; EVENTS.len()],
}

/// As many stored postbacks as the report has lines.
async fn fill(stack: &Stack, tenant: &Tenant, admin: &Client, lines: u64) -> anyhow::Result<Stored> {
    let mut world = World::new(KEYS)?;
    world.tenant = TenantId::from_uuid(tenant.id.parse()?);
    let world = Arc::new(world);
    let postbacks = Postbacks::new(Arc::clone(&world), DECIDED);
    let broker = Broker::open(stack.namespace(), GROUP).await?;
    broker.publish(seed::for_attribution(&world)).await?;
    let clicks = postbacks.clicks(DECIDED);
    broker
        .publish((0..clicks).map(|number| (Route::of::<ClickRecorded>(), seed::click(&world, number))))
        .await?;
    broker
        .publish((0..DECIDED).map(|number| (Route::of::<PostbackReceived>(), postbacks.envelope(number))))
        .await?;
    eventually("the first postbacks are decided", Duration::from_secs(120), async || {
        let decided =
            count(admin, "SELECT count(*) FROM decisions WHERE is_current AND code = 'QUALIFIED'").await;
        let decided = decided.map_err(|error| error.to_string())?;
        if decided == DECIDED { Ok(()) } else { Err(decided.to_string()) }
    })
    .await;
    broker.close().await?;
    seed::copy_journeys(admin, (lines / DECIDED).saturating_sub(1), Spread::Days).await?;
    settle(admin).await?;
    let rows =
        admin.query("SELECT click_id FROM journeys WHERE click IS NOT NULL ORDER BY click_id", &[]).await?;
    let clicks = rows.iter().map(|row| Ok(ClickId::from_uuid(row.try_get(0)?)));
    let at = |step: seed::Step| {
        world.clicked_at().saturating_add_seconds(60 * step.minutes_after_click).as_millis()
    };
    Ok(Stored { clicks: clicks.collect::<anyhow::Result<_>>()?, times: EVENTS.map(at) })
}

/// Sends the report as a client does that has it in a file; its id, and how many bytes it had.
async fn send(
    address: SocketAddr,
    token: &str,
    stored: &Stored,
    lines: u64,
) -> anyhow::Result<(String, u64)> {
    let mut stream = BufWriter::with_capacity(2 * CHUNK, TcpStream::connect(address).await?);
    let head = format!(
        "POST /api/v1/reconciliations?report=inAppEvents HTTP/1.1\r\nHost: {address}\r\nAuthorization: ApiToken {token}\r\n\
         Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut part = String::from(
        "Event Time,Event Name,Event Revenue,Event Revenue Currency,Partner Event ID,Original URL,Rest\n",
    );
    let mut sent = 0;
    let filler = "x".repeat(LINE);
    for number in 0..lines {
        let place = usize::try_from(number)?;
        let click = stored.clicks.get(place / EVENTS.len() % stored.clicks.len()).context("a click")?;
        let step = place % EVENTS.len();
        let event = EVENTS.get(step).context("an event")?.event_id;
        let at = stored.times.get(step).context("a time")?;
        let begin = part.len();
        write!(
            part,
            "{at},{event},4.99,USD,{event},https://app.appsflyer.com/id123456789?pid=gokart_int&clickid={click},"
        )?;
        part.push_str(filler.get(..(LINE - 1).saturating_sub(part.len() - begin)).unwrap_or_default());
        part.push('\n');
        if part.len() >= CHUNK || number + 1 == lines {
            stream.write_all(format!("{:x}\r\n", part.len()).as_bytes()).await?;
            stream.write_all(part.as_bytes()).await?;
            stream.write_all(b"\r\n").await?;
            sent += part.len() as u64;
            part.clear();
        }
    }
    stream.write_all(b"0\r\n\r\n").await?;
    stream.flush().await?;
    let mut answer = String::new();
    stream.get_mut().read_to_string(&mut answer).await?;
    ensure!(answer.starts_with("HTTP/1.1 202"), "the report was not taken: {answer}");
    let body = answer.split_once("\r\n\r\n").context("a body")?.1;
    let body: Value = serde_json::from_str(body)?;
    Ok((body["reconciliationId"].as_str().context("an id")?.to_owned(), sent))
}

/// What the lines cost a database by themselves: they are inserted again, in one statement.
async fn bare(admin: &Client) -> anyhow::Result<Duration> {
    admin
        .batch_execute("CREATE TABLE bench_lines (LIKE reconciliation_lines INCLUDING ALL); CHECKPOINT")
        .await?;
    let start = Instant::now();
    admin.batch_execute("INSERT INTO bench_lines SELECT * FROM reconciliation_lines").await?;
    Ok(start.elapsed())
}
