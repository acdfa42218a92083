//! payout with a million pending holds and a million retries that are not due, beside as many that are done, and beside none:
//! what it does when there is nothing to do, and what it can do.

use std::{collections::BTreeMap, time::Duration};

use system_tests::StackOptions;

use super::{Context, Outcome};
use crate::{
    database::{count, settle},
    machine::{Plans, Statement},
    report::{Account, Aim, Comparison, Contestant, Row, Verdict, grouped},
    seed::{Waits, Whose, copy_waiting},
    telling::{Telling, Told},
};

/// Pending holds, and as many waiting retries.
const WAITING: u64 = 1_000_000;
/// Conversions of a round.
const EVENTS: u64 = 15_000;
const ROUNDS: usize = 3;
/// "Nothing" within what rounds of one and the same service differ by.
const SHARE: f64 = 0.95;
/// An index of what waits has more than a page for so many rows; who reads half of it has read it whole, whatever the plan calls it.
const ROWS_OF_A_PAGE: u64 = 200;
/// How long the service is watched doing nothing; everything that it does every now and then comes up.
const IDLE: Duration = Duration::from_secs(12);
/// Of a load that is only watched.
const SOME: u64 = 300;
/// Days that a hold lasts which is loaded, and one that is released.
const LONG: u32 = 30;
const SHORT: u32 = 1;
/// What grows with what waits.
const LARGE: [&str; 5] =
    ["conversions", "conversion_history", "ledger_transfers", "deliveries", "delivery_attempts"];

/// What the service did in a while.
struct Watched {
    idle: BTreeMap<String, Statement>,
    busy: BTreeMap<String, Statement>,
    /// Large tables that were read whole, by PostgreSQL's own count.
    scans: u64,
}

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let copies = context.scale.events(WAITING, 5_000);
    let mut many = started(context, copies, Waits::Yes).await?;
    let mut done = started(context, copies, Waits::No).await?;
    let mut none = started(context, 0, Waits::No).await?;
    let among_many = watch(context, &mut many).await?;
    let among_none = watch(context, &mut none).await?;
    let mut rows = show(context, copies, &among_many, &among_none);

    let outcome = contest(context, copies, [&mut many, &mut done, &mut none]).await?;
    rows.extend(outcome.rows);
    let mut accounts = outcome.accounts;
    let holds = "SELECT count(*) FROM conversions WHERE status = 'pending' AND hold_ends_at > now()";
    let retries =
        "SELECT count(*) FROM deliveries WHERE state = 'waiting' AND attempts = 3 AND due_at > now()";
    accounts.push(
        Account::of("waiting: pending holds and waiting retries", copies)
            // Those of which copies were made are holds, too.
            .found("holds go on", count(&many.rig.admin, holds).await? - 3)
            .found("retries wait", count(&many.rig.admin, retries).await?),
    );
    many.rig.close::<Told>().await?;
    done.rig.close::<Told>().await?;
    none.rig.close::<Told>().await?;
    Ok(Outcome { rows, accounts })
}

/// With so many that wait.
async fn started(context: Context<'_>, copies: u64, waits: Waits) -> anyhow::Result<Telling> {
    let mut telling = Telling::start(context.nodes, StackOptions::new()).await?;
    let told = telling.wave(SOME, Whose::Healthy, 0);
    telling.decide(context.nodes, &told).await?;
    telling.tell(context.nodes, SOME).await?;
    let held = telling.wave(3, Whose::Healthy, LONG);
    telling.decide(context.nodes, &held).await?;
    if copies > 0 {
        copy_waiting(&telling.rig.admin_url::<Told>(), copies, waits).await?;
        let words = if waits == Waits::Yes { "wait" } else { "are done" };
        context
            .progress
            .say(&format!("waiting: {} holds and as many deliveries {words}", grouped(copies as f64)));
    }
    settle(&telling.rig.admin).await?;
    Ok(telling)
}

/// Has every statement explained: first of a service with nothing to do, then of one that decides, tells and releases.
async fn watch(context: Context<'_>, telling: &mut Telling) -> anyhow::Result<Watched> {
    let before = scans(telling).await?;
    let mut plans = Plans::watch(&telling.rig.admin).await?;
    telling.rig.start::<Told>().await;
    telling.ask_health().await?;
    tokio::time::sleep(context.scale.time(IDLE, IDLE / 2)).await;
    telling.rig.stop::<Told>().await?;
    let idle = plans.read(&telling.rig.admin).await?;

    let told = telling.wave(SOME, Whose::Healthy, 0);
    telling.decide(context.nodes, &told).await?;
    let held = telling.wave(SOME, Whose::Healthy, SHORT);
    telling.decide(context.nodes, &held).await?;
    telling.release(context.nodes, &held).await?;
    telling.tell(context.nodes, 2 * SOME).await?;
    let busy = plans.read(&telling.rig.admin).await?;
    plans.end(&telling.rig.admin).await?;
    Ok(Watched { idle, busy, scans: scans(telling).await? - before })
}

/// How often large tables were read whole, whoever did it.
async fn scans(telling: &Telling) -> anyhow::Result<u64> {
    let tables = LARGE.map(|table| format!("'{table}'")).join(", ");
    let query = format!(
        "SELECT coalesce(sum(seq_scan), 0)::bigint FROM pg_stat_user_tables WHERE relname IN ({tables})"
    );
    count(&telling.rig.admin, &query).await
}

fn show(context: Context<'_>, copies: u64, many: &Watched, none: &Watched) -> Vec<Row> {
    println!(
        "\npayout with {} pending holds and as many waiting retries: what it does",
        grouped(copies as f64)
    );
    println!("    pages of one run, at most: among them, among none; how it comes to rows of tables");
    for (when, among_many, among_none) in
        [("with nothing to do", &many.idle, &none.idle), ("at work", &many.busy, &none.busy)]
    {
        println!("  {when}");
        for (text, statement) in among_many {
            if !statement.tables.iter().any(|table| LARGE.contains(&table.as_str())) {
                continue;
            }
            let other =
                among_none.get(text).map_or_else(|| "–".to_owned(), |other| other.pages_most.to_string());
            let ways: Vec<&str> = statement.ways.iter().map(String::as_str).collect();
            let words: String = text.chars().take(90).collect();
            println!("    {:>6} {other:>6}  {} ×  {words}…", statement.pages_most, statement.runs);
            println!("                   {}", ways.join(", "));
        }
    }
    let whole = context.scale.is_whole();
    let scanned = |statements: &BTreeMap<String, Statement>| {
        let large =
            |statement: &&Statement| statement.scanned.iter().any(|table| LARGE.contains(&table.as_str()));
        statements.values().filter(large).count() as u64
    };
    let scanned = scanned(&many.idle) + scanned(&many.busy);
    let pages = |watched: &Watched| watched.idle.values().map(|statement| statement.pages).sum::<u64>();
    let (ours, others) = (pages(many), pages(none));
    let longest = many.idle.values().map(|statement| statement.pages_most).max().unwrap_or_default();
    let half = copies / ROWS_OF_A_PAGE / 2;
    vec![
        Row {
            what: format!(
                "payout among {} that wait: statements that read a large table whole",
                grouped(copies as f64 * 2.0)
            ),
            ours: scanned.to_string(),
            beside: format!("{} scans counted", many.scans),
            ratio: String::new(),
            aim: "0".to_owned(),
            verdict: Verdict::of(scanned == 0, whole),
        },
        Row {
            what: "payout with nothing to do: pages of its longest look".to_owned(),
            ours: grouped(longest as f64),
            beside: format!("half an index of them {}", grouped(half as f64)),
            ratio: String::new(),
            aim: "less".to_owned(),
            verdict: Verdict::of(longest < half, whole),
        },
        Row {
            what: "payout with nothing to do: pages it looks at".to_owned(),
            ours: grouped(ours as f64),
            beside: format!("among none {}", grouped(others as f64)),
            ratio: format!("{:.1} ×", ours as f64 / others.max(1) as f64),
            aim: String::new(),
            verdict: Verdict::NoAim,
        },
    ]
}

async fn contest(
    context: Context<'_>,
    copies: u64,
    mut tellings: [&mut Telling; 3],
) -> anyhow::Result<Outcome> {
    const NAMES: [&str; 3] = ["among many that wait", "among many that are done", "among none"];
    const TITLES: [&str; 3] = [
        "payout: conversions to the posted ledger entry, among 2 M that wait",
        "payout: pending times that are over, released, among 2 M that wait",
        "payout: deliveries, among 2 M that wait",
    ];
    let events = context.scale.events(EVENTS, 600).next_multiple_of(3);
    let mut contestants = TITLES.map(|_| NAMES.map(Contestant::new));
    let rounds = context.scale.rounds(ROUNDS);
    for round in 0..=rounds {
        for (place, telling) in tellings.iter_mut().enumerate() {
            let told = telling.wave(events, Whose::Healthy, 0);
            let decided = telling.decide(context.nodes, &told).await?;
            let held = telling.wave(events, Whose::Healthy, SHORT);
            telling.decide(context.nodes, &held).await?;
            let released = telling.release(context.nodes, &held).await?;
            let delivered = telling.tell(context.nodes, 2 * events).await?;
            context.progress.say(&format!(
                "{} {round}/{rounds}: decided {decided}; released {released}; told {delivered}",
                NAMES[place]
            ));
            // The first one only warms what a long-running database has warm.
            if round > 0 {
                for (of, sample) in contestants.iter_mut().zip([decided, released, delivered]) {
                    of[place].samples.push(sample);
                }
            }
        }
    }
    let mut accounts = Vec::new();
    for (name, telling) in NAMES.iter().zip(tellings) {
        accounts.push(telling.account(&format!("waiting: deliveries {name}")).await?);
    }
    let aim = if context.scale.is_whole() { Aim::Share(SHARE) } else { Aim::Told };
    let mut rows = Vec::new();
    for (title, [subject, done, none]) in TITLES.into_iter().zip(contestants) {
        let notes =
            vec![format!("among {} pending holds and as many waiting retries", grouped(copies as f64))];
        let comparison = Comparison { title, subject, beside: vec![(done, aim), (none, Aim::Told)], notes };
        comparison.print();
        rows.extend(comparison.rows());
    }
    Ok(Outcome { rows, accounts })
}
