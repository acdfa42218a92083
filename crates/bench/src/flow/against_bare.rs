//! The contest of a flow: as it is, its rows inserted bare, and the flow with batches of one; turn by turn.

use anyhow::Context;
use system_tests::StackOptions;

use super::{Flow, Rig, rig::WorkedOff};
use crate::{
    beside::{self, Recording},
    broker::GROUP,
    machine::CpuMeter,
    nodes::LocalNodes,
    report::{Account, Contestant, Progress, Sample},
};

/// Sizes of a contest.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// In the backlog.
    pub events: u64,
    /// In the backlog of the flow with batches of one, which is so much slower.
    pub events_one_by_one: u64,
    /// How often each has its turn.
    pub rounds: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Contest {
    /// The flow as it is.
    pub flow: Contestant,
    /// Its rows, bare.
    pub bare: Contestant,
    /// The flow with batches of one.
    pub one_by_one: Contestant,
    /// What the flow writes, in words.
    pub written: String,
    /// Every event of every round.
    pub accounts: Vec<Account>,
}

impl Contest {
    /// Holds it. `world` makes a fresh flow for every round; `account` finds all events of a round, from the truth.
    ///
    /// # Errors
    /// When anything fails: half a contest is none.
    pub async fn hold<F: Flow>(
        nodes: &LocalNodes,
        progress: &Progress,
        plan: Plan,
        world: impl Fn(u64) -> anyhow::Result<F>,
        account: impl AsyncFn(&Rig, u64) -> anyhow::Result<Account>,
    ) -> anyhow::Result<Self> {
        let service = F::SERVICE.binary();
        progress.say(&format!(
            "{service}: recording run, not measured: every row that {} {} write",
            plan.events,
            F::EVENTS
        ));
        let (recording, recorded) = record(nodes, &world(plan.events)?, plan.events, &account).await?;
        let mut contest = Self {
            flow: Contestant::new(service),
            bare: Contestant::new("its rows, bare"),
            one_by_one: Contestant::new("batches of one"),
            written: recording.words(plan.events),
            accounts: vec![recorded],
        };
        for round in 1..=plan.rounds {
            let say = |text: &str, sample: &Sample| {
                progress.say(&format!("{service} round {round}/{}: {text} {sample}", plan.rounds));
            };

            let (mut rig, worked) = batched(nodes, &world(plan.events)?, plan.events).await?;
            let sample = Sample::new(plan.events, worked);
            say("as it is", &sample);
            contest.flow.samples.push(sample);
            contest.accounts.push(account(&rig, plan.events).await?);

            let sample = bare::<F>(nodes, &mut rig, &recording, plan.events).await?;
            say("its rows, bare", &sample);
            contest.bare.samples.push(sample);
            rig.close::<F>().await?;

            let (rig, worked) =
                one_by_one(nodes, &world(plan.events_one_by_one)?, plan.events_one_by_one).await?;
            let sample = Sample::new(plan.events_one_by_one, worked);
            say("batches of one", &sample);
            contest.one_by_one.samples.push(sample);
            contest.accounts.push(account(&rig, plan.events_one_by_one).await?);
            rig.close::<F>().await?;
        }
        Ok(contest)
    }
}

async fn record<F: Flow>(
    nodes: &LocalNodes,
    flow: &F,
    events: u64,
    account: &impl AsyncFn(&Rig, u64) -> anyhow::Result<Account>,
) -> anyhow::Result<(Recording, Account)> {
    let mut rig = taught(flow, flow.settings(StackOptions::new()), GROUP, events).await?;
    rig.assert_quorum(nodes, F::QUEUE)?;
    beside::record(&rig.admin).await?;
    rig.fill(flow, events).await?;
    rig.work_off::<F>(nodes, events).await.context("the recording run")?;
    rig.outbox_empty().await?;
    let account = account(&rig, events).await?;
    let recording = Recording::dump(&rig.admin).await?;
    rig.close::<F>().await?;
    Ok((recording, account))
}

async fn batched<F: Flow>(nodes: &LocalNodes, flow: &F, events: u64) -> anyhow::Result<(Rig, WorkedOff)> {
    let mut rig = taught(flow, flow.settings(StackOptions::new()), GROUP, events).await?;
    rig.fill(flow, events).await?;
    let worked = rig.work_off::<F>(nodes, events).await?;
    rig.outbox_empty().await?;
    Ok((rig, worked))
}

async fn one_by_one<F: Flow>(nodes: &LocalNodes, flow: &F, events: u64) -> anyhow::Result<(Rig, WorkedOff)> {
    let mut rig = taught(flow, flow.settings(StackOptions::new()), 1, events).await?;
    for key in ["BUS__BATCH_ITEMS", "BUS__PREFETCH"] {
        rig.set::<F>(key, "1");
    }
    rig.fill(flow, events).await?;
    let worked = rig.work_off::<F>(nodes, events).await?;
    rig.outbox_empty().await?;
    Ok((rig, worked))
}

async fn taught<F: Flow>(flow: &F, options: StackOptions, group: usize, events: u64) -> anyhow::Result<Rig> {
    let mut rig = Rig::prepare::<F>(options, group).await?;
    rig.teach(flow, events).await?;
    Ok(rig)
}

/// In the database of the round that has just ended, with the service stopped.
async fn bare<F: Flow>(
    nodes: &LocalNodes,
    rig: &mut Rig,
    recording: &Recording,
    events: u64,
) -> anyhow::Result<Sample> {
    rig.stop::<F>().await?;
    let meter = CpuMeter::of_generator().with_tree("PostgreSQL", nodes.conditions.postgres_pid);
    let (wall, cpu) = beside::replay(&rig.admin, recording, &meter).await?;
    Ok(Sample { events, wall, cpu })
}
