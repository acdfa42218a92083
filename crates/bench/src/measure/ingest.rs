//! ingest: authenticated, durable postbacks a second, beside a handler that does nothing and a bare publisher.

use std::time::Duration;

use super::{Context, Outcome};
use crate::{
    beside::Fills,
    door::{self, Turns},
    machine::CpuMeter,
    report::{Account, Aim, Comparison, Contestant, Sample},
};

/// Turns of each.
const ROUNDS: usize = 5;
/// One turn, and the shortest that says anything.
pub(super) const TURN: Duration = Duration::from_secs(5);
pub(super) const SHORTEST_TURN: Duration = Duration::from_millis(500);

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let (door, postbacks) = door::ingest(context.nodes).await?;
    let bare_publisher = door.bare_publisher().await?;
    let bare_meter = CpuMeter::of_generator().with("RabbitMQ", context.nodes.conditions.rabbitmq_pid);
    let mut turns = Turns::prepare(context, door, None, Fills::Postbacks).await?;

    let rounds = context.scale.rounds(ROUNDS);
    let turn = context.scale.time(TURN, SHORTEST_TURN);
    let mut ingest = Contestant::new("ingest");
    let mut nothing = Contestant::new("do-nothing handler");
    let mut bare = Contestant::new("bare lapin publisher");
    let mut durable = Contestant::new("durable do-nothing handler");
    for round in 1..=rounds {
        let sample = turns.nothing(turn).await?;
        turns.take(&mut nothing, sample, round, rounds);
        let sample = turns.own(&format!("round {round}"), turn).await?;
        turns.take(&mut ingest, sample, round, rounds);
        let sample = turns.durable(&format!("round {round}"), turn).await?;
        turns.take(&mut durable, sample, round, rounds);

        let before = bare_meter.read();
        let (confirmed, wall) = bare_publisher.publish_for(&postbacks, turn).await?;
        let cpu = bare_meter.since(&before);
        let found = turns.door.empty(confirmed).await?.items;
        let account = Account::of(format!("bare lapin publisher, round {round}"), confirmed);
        turns.accounts.push(account.found("messages in the queue", found));
        turns.take(&mut bare, Sample { events: confirmed, wall, cpu }, round, rounds);
    }
    let comparison = Comparison {
        title: "ingest: authenticated durable postbacks",
        subject: ingest,
        beside: vec![(nothing, Aim::Share(0.6)), (bare, Aim::Times(2.0)), (durable, Aim::Told)],
        notes: turns.notes()?,
    };
    drop(bare_publisher);
    Ok(Outcome::of(&comparison, turns.close().await?))
}
