//! Memory of a public door under load: whether it grows with what has passed through it.

use anyhow::Context as _;
use tokio::sync::watch;

use super::{Context, Outcome};
use crate::{
    door::Door,
    load::{Load, Until},
    machine::Memory,
    report::{Row, Verdict, grouped, megabytes, percent},
    scale::Scale,
};

/// Requests altogether, and the fewest that say anything.
const REQUESTS: u64 = 1_000_000;
const FEWEST: u64 = 20_000;
/// Memory is looked at so often: the first look is the measure of the last one.
const LOOKS: u64 = 10;
/// The aims: growth since the first look, and the most it may ever have.
const GROWTH: f64 = 1.1;
const MOST: u64 = 100_000_000;

/// Measures `door` under the load of 256 connections; its queue is emptied meanwhile.
pub async fn measure(context: Context<'_>, mut door: Door) -> anyhow::Result<Outcome> {
    let service = door.name();
    let leg = context.scale.events(REQUESTS, FEWEST) / LOOKS;
    let start = Memory::of(door.pid)?;
    context.progress.say(&format!("{service} memory: {} at the start", megabytes(start.resident)));

    let (known, items) = watch::channel(u64::MAX);
    let keeper = door.keeper();
    let emptying = keeper.empty(items);
    let loading = async {
        let mut crowd = door.crowd().await?;
        let mut promised = Vec::new();
        let mut looks = Vec::new();
        for number in 1..=LOOKS {
            let Load { promised: more, .. } = door.load(&mut crowd, Until::Answered(leg)).await?;
            // With all connections still open.
            let memory = Memory::of(door.pid)?;
            context.progress.say(&format!(
                "{service} memory: {} after {} requests",
                megabytes(memory.resident),
                grouped((number * leg) as f64)
            ));
            promised.extend(more);
            looks.push(memory);
        }
        known.send_replace(promised.len() as u64);
        anyhow::Ok((looks, promised))
    };
    let ((looks, promised), (kept, _drained)) = tokio::try_join!(loading, emptying)?;
    drop(keeper);
    let account = door.settle(format!("{service}, memory"), promised, &kept);
    door.close().await?;

    let first = looks.first().context("one look")?.resident;
    let last = looks.last().context("one look")?.resident;
    // The kernel counts in batches, so the most ever can lag behind what was seen.
    let most = looks.iter().map(|memory| memory.peak.max(memory.resident)).max().context("one look")?;
    Ok(Outcome { rows: rows(service, leg, [first, last, most], context.scale), accounts: vec![account] })
}

/// `first`, `last` and the most ever, in bytes.
fn rows(service: &str, leg: u64, [first, last, most]: [u64; 3], scale: Scale) -> Vec<Row> {
    let growth = last as f64 / first.max(1) as f64;
    let [few, all] = [leg, leg * LOOKS].map(|requests| grouped(requests as f64));
    // An aim for a million requests is neither reached nor missed by fewer.
    let verdict = |reached| match (scale.is_whole(), reached) {
        (false, _) => Verdict::TooSmall,
        (true, true) => Verdict::Reached,
        (true, false) => Verdict::Missed,
    };
    println!("\n{service}: memory under load (VmRSS; the most ever: VmHWM)");
    println!("    {} after {few} requests, {} after {all}", megabytes(first), megabytes(last));
    println!("    {} at the most", megabytes(most));
    if !scale.is_whole() {
        println!("    {scale}: the aims are for {} requests", grouped(REQUESTS as f64));
    }
    vec![
        Row {
            what: format!("{service}: memory after {all} requests"),
            ours: megabytes(last),
            beside: format!("after {few}: {}", megabytes(first)),
            ratio: percent(growth),
            aim: format!("≤ {}", percent(GROWTH)),
            verdict: verdict(growth <= GROWTH),
        },
        Row {
            what: format!("{service}: memory at the most"),
            ours: megabytes(most),
            beside: String::new(),
            ratio: String::new(),
            aim: format!("< {}", megabytes(MOST)),
            verdict: verdict(most < MOST),
        },
    ]
}
