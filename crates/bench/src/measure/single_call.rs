//! One call to ingest with nobody else there, beside one bare confirm: what our own work adds to the broker's.

use std::time::Duration;

use super::{Context, Outcome};
use crate::{
    door,
    machine::CpuMeter,
    report::{Account, Row, SingleCalls, Verdict, fine_milliseconds},
};

/// Turns of each: many and short, so that both meet the same machine.
const ROUNDS: usize = 10;
const TURN: Duration = Duration::from_secs(1);
const SHORTEST_TURN: Duration = Duration::from_millis(300);
/// Before the first turn, and not counted.
const WARM_UP: Duration = Duration::from_millis(300);
/// The aim: what ingest may add to a bare confirm.
const ADDED: Duration = Duration::from_millis(1);

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let (mut door, postbacks) = door::ingest(context.nodes).await?;
    let bare_publisher = door.bare_publisher().await?;
    let rabbitmq = ("RabbitMQ", context.nodes.conditions.rabbitmq_pid);
    let bare_meter = CpuMeter::of_generator().with(rabbitmq.0, rabbitmq.1);
    let meter = CpuMeter::of_generator().with(door.name(), door.pid).with(rabbitmq.0, rabbitmq.1);

    let rounds = context.scale.rounds(ROUNDS);
    let turn = context.scale.time(TURN, SHORTEST_TURN);
    let mut ingest = SingleCalls::new("a call to ingest");
    let mut bare = SingleCalls::new("a bare confirm");
    let mut accounts = Vec::new();
    for round in 0..=rounds {
        let (name, time) =
            if round == 0 { ("warm-up".to_owned(), WARM_UP) } else { (format!("round {round}"), turn) };

        let before = bare_meter.read();
        let (times, wall) = bare_publisher.single(&postbacks, time).await?;
        let cpu = bare_meter.since(&before);
        let confirmed = times.len() as u64;
        let found = door.empty(confirmed).await?.items;
        let account = Account::of(format!("bare confirms one by one, {name}"), confirmed);
        accounts.push(account.found("messages in the queue", found));
        if round > 0 {
            bare.add(&times, wall, cpu)?;
        }

        let before = meter.read();
        let (load, times) = door.single(time).await?;
        let cpu = meter.since(&before);
        let wall = load.wall;
        accounts.push(door.account(format!("ingest one by one, {name}"), load.promised).await?.0);
        if round > 0 {
            ingest.add(&times, wall, cpu)?;
            context.progress.say(&format!(
                "single call round {round}/{rounds}: {}, {}",
                bare.last_words(),
                ingest.last_words()
            ));
        }
    }
    drop(bare_publisher);
    door.close().await?;

    let (ours, theirs) = (ingest.median(), bare.median());
    let added = ours.saturating_sub(theirs);
    println!("\ningest at one connection: one call after the other, beside one bare confirm after the other");
    println!("{}", SingleCalls::head());
    println!("{}\n{}", ingest.line(), bare.line());
    println!("    a call adds {} to a bare confirm (medians)", fine_milliseconds(added));
    let row = Row {
        what: "ingest at one connection: a call's median".to_owned(),
        ours: fine_milliseconds(ours),
        beside: format!("a bare confirm {}", fine_milliseconds(theirs)),
        ratio: format!("adds {}", fine_milliseconds(added)),
        aim: format!("< {} ms added", ADDED.as_millis()),
        verdict: if added < ADDED { Verdict::Reached } else { Verdict::Missed },
    };
    Ok(Outcome { rows: vec![row], accounts })
}
