//! payout tells publishers: deliveries a second beside a bare loop over the same HTTP client, which has as many requests under
//! way at the same servers; and what a twentieth of the endpoints that never answer takes from the others.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use system_tests::StackOptions;

use super::{Context, Outcome};
use crate::{
    beside::{Errand, Recording, RunningClient, record, replay},
    machine::{CpuMeter, CpuUse},
    report::{Account, Aim, Comparison, Contestant, Sample},
    seed::Whose,
    telling::{Telling, Told},
};

/// Deliveries of a round; a multiple of what one click has.
const EVENTS: u64 = 20_000;
const ROUNDS: usize = 3;
/// Requests under way: `delivery.in_flight`, as `settings.default.toml` has it.
const IN_FLIGHT: u64 = 128;
/// What a publisher's server takes to answer, with the way there and back.
const FAR: Duration = Duration::from_millis(50);
/// So many times a round's deliveries beside endpoints that hang: the round lasts longer than their time-out of 15 s, so that what their
/// first failures, their breakers and their probes take is in it.
const LONG: u64 = 3;
/// The aims.
const SHARE_OF_BARE: f64 = 0.6;
const SHARE_BESIDE_HANGING: f64 = 0.9;

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let events = context.scale.events(EVENTS, 1_500).next_multiple_of(3);
    let recording = recorded(context, events).await?;
    let mut telling = Telling::start(context.nodes, StackOptions::new()).await?;
    let mut accounts = Vec::new();
    let mut rows = Vec::new();
    for (title, time, aim) in [
        ("payout: deliveries to publishers that answer at once", Duration::ZERO, Aim::Told),
        ("payout: deliveries to publishers that answer after 50 ms", FAR, Aim::Share(SHARE_OF_BARE)),
    ] {
        telling.receiver.answer_after(time);
        let outcome = beside_bare(context, &mut telling, (title, events, aim), &recording).await?;
        rows.extend(outcome.rows);
        accounts.extend(outcome.accounts);
    }
    let outcome = beside_hanging(context, &mut telling, events).await?;
    rows.extend(outcome.rows);
    accounts.extend(outcome.accounts);
    accounts.push(telling.account("outbound: deliveries to publishers that answer").await?);
    telling.rig.close::<Told>().await?;
    Ok(Outcome { rows, accounts })
}

/// Every row that telling writes: of a run that is not measured.
async fn recorded(context: Context<'_>, events: u64) -> anyhow::Result<Recording> {
    context.progress.say("outbound: recording run, not measured: every row that deliveries write");
    let mut telling = Telling::start(context.nodes, StackOptions::new()).await?;
    let wave = telling.wave(events, Whose::Healthy, 0);
    telling.decide(context.nodes, &wave).await?;
    record(&telling.rig.admin).await?;
    telling.tell(context.nodes, events).await?;
    let recording = Recording::dump(&telling.rig.admin).await?;
    telling.rig.close::<Told>().await?;
    Ok(recording)
}

async fn beside_bare(
    context: Context<'_>,
    telling: &mut Telling,
    (title, events, aim): (&'static str, u64, Aim),
    recording: &Recording,
) -> anyhow::Result<Outcome> {
    let [mut payout, mut bare, mut durable] =
        ["payout", "bare client loop", "the loop, then its rows"].map(Contestant::new);
    let rounds = context.scale.rounds(ROUNDS);
    let mut accounts = Vec::new();
    // The first round only warms what a long-running database has warm.
    for round in 0..=rounds {
        let wave = telling.wave(events, Whose::Healthy, 0);
        telling.decide(context.nodes, &wave).await?;
        let ours = telling.tell(context.nodes, events).await?;
        let loops = bare_loop(telling, events).await?;
        accounts.push(Account::of("outbound: bare client loop", events).found("arrived", loops.1));
        let meter = CpuMeter::of_generator().with_tree("PostgreSQL", context.nodes.conditions.postgres_pid);
        let (wall, cpu) = replay(&telling.rig.admin, recording, &meter).await?;
        let both = one_after_the_other(&loops.0, wall, &cpu);
        context.progress.say(&format!(
            "outbound {round}/{rounds}: payout {ours}; bare {}; the loop, then its rows {both}",
            loops.0
        ));
        if round > 0 {
            payout.samples.push(ours);
            bare.samples.push(loops.0);
            durable.samples.push(both);
        }
    }
    let comparison = Comparison {
        title,
        subject: payout,
        beside: vec![(bare, aim), (durable, Aim::Told)],
        notes: vec![
            format!(
                "{IN_FLIGHT} requests under way, signed POST of JSON, 95 publishers with a host each, no TLS"
            ),
            format!("a delivery writes {}", recording.words(events)),
        ],
    };
    Ok(Outcome::of(&comparison, accounts))
}

/// The bare loop at the servers of the publishers, and how many of its requests have arrived.
async fn bare_loop(telling: &Telling, events: u64) -> anyhow::Result<(Sample, u64)> {
    let receiver = &telling.receiver;
    receiver.take();
    let client = RunningClient::start(Errand {
        port: receiver.port(),
        hosts: telling.healthy_hosts(),
        requests: events,
        in_flight: IN_FLIGHT,
        request: receiver.first_request().context("payout has told somebody")?,
    })?;
    let meter = CpuMeter::of_generator().with("bare client", client.pid());
    telling.arrived(1).await?;
    let before = meter.read();
    telling.arrived(usize::try_from(events)?).await?;
    let (end, cpu) = (Instant::now(), meter.since(&before));
    client.end()?;
    let arrivals = receiver.take();
    let first = arrivals.values().map(|arrival| arrival.first).min().context("something arrived")?;
    let sample = Sample { events, wall: end.saturating_duration_since(first), cpu };
    Ok((sample, arrivals.len() as u64))
}

/// Two things that are done one after the other, as one.
fn one_after_the_other(first: &Sample, wall: Duration, cpu: &CpuUse) -> Sample {
    let mut both = first.clone();
    let busy = first.cpu.machine_busy * first.wall.as_secs_f64() + cpu.machine_busy * wall.as_secs_f64();
    both.wall += wall;
    both.cpu.wall += cpu.wall;
    both.cpu.machine_busy = busy / both.wall.as_secs_f64().max(f64::EPSILON);
    both.cpu.by_process.extend(cpu.by_process.iter().filter(|(name, _)| *name != "generator").copied());
    both
}

/// The same healthy publishers, with and without others that never answer.
async fn beside_hanging(context: Context<'_>, telling: &mut Telling, events: u64) -> anyhow::Result<Outcome> {
    let [mut with, mut without] = ["5 % never answer", "all answer"].map(Contestant::new);
    let events = if context.scale.is_whole() { events * LONG } else { events };
    // As much for each of them as for each of the others.
    let (_, healthy) = telling.healthy_hosts();
    let never = events / u64::from(healthy) * 5;
    let rounds = context.scale.rounds(ROUNDS);
    for round in 0..=rounds {
        let wave = telling.wave(events, Whose::Healthy, 0);
        telling.decide(context.nodes, &wave).await?;
        let alone = telling.tell(context.nodes, events).await?;

        let wave = telling.wave(events, Whose::Healthy, 0);
        telling.decide(context.nodes, &wave).await?;
        let wave = telling.wave(never, Whose::Never, 0);
        telling.decide(context.nodes, &wave).await?;
        let beside = telling.tell(context.nodes, events).await?;
        telling.put_off().await?;
        context
            .progress
            .say(&format!("outbound {round}/{rounds}: beside 5 % that hang {beside}; alone {alone}"));
        if round > 0 {
            with.samples.push(beside);
            without.samples.push(alone);
        }
    }
    let aim = if context.scale.is_whole() { Aim::Share(SHARE_BESIDE_HANGING) } else { Aim::Told };
    let comparison = Comparison {
        title: "payout: deliveries to healthy publishers beside some that hang",
        subject: with,
        beside: vec![(without, aim)],
        notes: vec![format!(
            "healthy ones answer after {} ms; {never} deliveries to five that never do",
            FAR.as_millis()
        )],
    };
    Ok(Outcome::of(&comparison, Vec::new()))
}
