//! tracker: durable redirects a second, beside a handler that redirects and does nothing.

use super::{
    Context, Outcome,
    ingest::{SHORTEST_TURN, TURN},
};
use crate::{
    beside::Fills,
    door::{self, Turns},
    report::{Aim, Comparison, Contestant},
};

/// Turns of each.
const ROUNDS: usize = 5;

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let (door, place) = door::tracker(context.nodes).await?;
    let mut turns = Turns::prepare(context, door, Some(&place), Fills::Clicks).await?;

    let rounds = context.scale.rounds(ROUNDS);
    let turn = context.scale.time(TURN, SHORTEST_TURN);
    let mut tracker = Contestant::new("tracker");
    let mut nothing = Contestant::new("do-nothing handler");
    let mut durable = Contestant::new("durable do-nothing handler");
    for round in 1..=rounds {
        let sample = turns.nothing(turn).await?;
        turns.take(&mut nothing, sample, round, rounds);
        let sample = turns.own(&format!("round {round}"), turn).await?;
        turns.take(&mut tracker, sample, round, rounds);
        let sample = turns.durable(&format!("round {round}"), turn).await?;
        turns.take(&mut durable, sample, round, rounds);
    }
    let comparison = Comparison {
        title: "tracker: durable redirects",
        subject: tracker,
        beside: vec![(nothing, Aim::Share(0.6)), (durable, Aim::Told)],
        notes: turns.notes()?,
    };
    Ok(Outcome::of(&comparison, turns.close().await?))
}
