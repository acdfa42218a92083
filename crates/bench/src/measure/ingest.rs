//! ingest: authenticated, durable postbacks a second, beside a handler that does nothing and a bare publisher.

use std::{collections::HashSet, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use bus::house::ATTRIBUTION_POSTBACKS as QUEUE;
use contracts::{Fact as _, ingest::PostbackReceived};
use system_tests::lone::{CREDENTIAL_KEYS, LoneIngest};
use uuid::Uuid;

use super::{Context, Outcome};
use crate::{
    beside::{BarePublisher, DoNothing},
    broker::{Broker, Drained, GROUP},
    load::{Load, Template, closed},
    machine::{CpuMeter, assert_quorum},
    report::{Account, Aim, Comparison, Contestant, Sample},
    seed::{Postbacks, World},
};

/// Worker threads of ingest and of the handler that does nothing: the service's default.
const WORKERS: usize = 2;
/// Turns of each.
const ROUNDS: usize = 5;
/// One turn, and the shortest that says anything.
const TURN: Duration = Duration::from_secs(5);
const SHORTEST_TURN: Duration = Duration::from_millis(500);
/// Before the first turn, and not counted: connections, caches, the queue's first segments.
const WARM_UP: Duration = Duration::from_millis(500);

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let mut door = LoneIngest::with(&[("HTTP__WORKERS", &WORKERS.to_string())]);
    // Declares the queue before ingest says anything.
    let broker = Broker::open(&door.namespace, GROUP).await?;
    door.process.start().await;
    assert_quorum(&context.nodes.nodes, &door.namespace, QUEUE)?;
    let nothing = DoNothing::start(WORKERS).await?;

    let world = Arc::new(World::new(CREDENTIAL_KEYS)?);
    let postbacks = Postbacks::new(Arc::clone(&world), 1);
    let (path, signature) = world.address(CREDENTIAL_KEYS)?;
    let request = Template::get(
        "api.brownboots.gokart.test",
        &format!("{path}?signature={signature}&{}", postbacks.template()),
    );
    let bare = BarePublisher::connect(
        door.namespace.amqp_url(),
        broker.name(PostbackReceived::EXCHANGE),
        PostbackReceived::ROUTING_KEY,
    )
    .await?;

    let rabbitmq = ("RabbitMQ", context.nodes.conditions.rabbitmq_pid);
    let ingest_pid = door.process.pid().context("ingest runs")?;
    let mut stage = Stage {
        context,
        ingest: address(&door.url)?,
        ingest_meter: CpuMeter::of_generator().with("ingest", ingest_pid).with(rabbitmq.0, rabbitmq.1),
        nothing_meter: CpuMeter::of_generator().with("handler", nothing.pid()),
        bare_meter: CpuMeter::of_generator().with(rabbitmq.0, rabbitmq.1),
        nothing,
        bare,
        broker,
        postbacks,
        request,
        sent: 0,
        drained: Drained::default(),
        accounts: Vec::new(),
    };
    let comparison = stage.compare().await?;
    let Stage { bare, broker, accounts, .. } = stage;
    drop(bare);
    let status = door.process.stop().await;
    ensure!(status.success(), "ingest stopped with {status}");
    broker.close().await?;
    Ok(Outcome::of(&comparison, accounts))
}

/// Everything that takes part.
struct Stage<'a> {
    context: Context<'a>,
    ingest: SocketAddr,
    ingest_meter: CpuMeter,
    nothing: DoNothing,
    nothing_meter: CpuMeter,
    bare: BarePublisher,
    bare_meter: CpuMeter,
    broker: Broker,
    postbacks: Postbacks,
    request: Template,
    /// Numbers given to requests so far.
    sent: u64,
    /// Of ingest's messages.
    drained: Drained,
    accounts: Vec<Account>,
}

impl Stage<'_> {
    async fn compare(&mut self) -> anyhow::Result<Comparison> {
        let rounds = self.context.scale.rounds(ROUNDS);
        let turn = self.context.scale.time(TURN, SHORTEST_TURN);
        let mut ingest = Contestant::new("ingest");
        let mut nothing = Contestant::new("do-nothing handler");
        let mut bare = Contestant::new("bare lapin publisher");

        self.ingest_turn("ingest, warm-up", WARM_UP).await?;
        self.nothing_turn(WARM_UP).await?;
        for round in 1..=rounds {
            let sample = self.nothing_turn(turn).await?;
            self.take(&mut nothing, sample, round, rounds);
            let sample = self.ingest_turn(&format!("ingest, round {round}"), turn).await?;
            self.take(&mut ingest, sample, round, rounds);
            let sample = self.bare_turn(round, turn).await?;
            self.take(&mut bare, sample, round, rounds);
        }
        let note = format!(
            "ingest put {:.1} postbacks into a message, the bare publisher one",
            self.drained.items as f64 / self.drained.messages.max(1) as f64
        );
        Ok(Comparison {
            title: "ingest: authenticated durable postbacks",
            subject: ingest,
            beside: vec![(nothing, Aim::Share(0.6)), (bare, Aim::Times(2.0))],
            notes: vec![note],
        })
    }

    async fn nothing_turn(&mut self, time: Duration) -> anyhow::Result<Sample> {
        let before = self.nothing_meter.read();
        let load = self.load(self.nothing.address, time).await?;
        let cpu = self.nothing_meter.since(&before);
        Ok(Sample { events: load.receipts.len() as u64, wall: load.wall, cpu })
    }

    async fn ingest_turn(&mut self, what: &str, time: Duration) -> anyhow::Result<Sample> {
        let before = self.ingest_meter.read();
        let load = self.load(self.ingest, time).await?;
        let cpu = self.ingest_meter.since(&before);
        let sample = Sample { events: load.receipts.len() as u64, wall: load.wall, cpu };
        self.account(what, load).await?;
        Ok(sample)
    }

    async fn bare_turn(&mut self, round: usize, time: Duration) -> anyhow::Result<Sample> {
        let before = self.bare_meter.read();
        let (confirmed, wall) = self.bare.publish_for(&self.postbacks, time).await?;
        let cpu = self.bare_meter.since(&before);
        let drained = self.broker.drain(QUEUE, confirmed, drop).await?;
        let account = Account::of(format!("bare lapin publisher, round {round}"), confirmed);
        self.accounts.push(account.found("messages in the queue", drained.items));
        Ok(Sample { events: confirmed, wall, cpu })
    }

    async fn load(&mut self, to: SocketAddr, time: Duration) -> anyhow::Result<Load> {
        let load = closed(to, &self.request, self.sent, time).await?;
        ensure!(load.refused == 0, "{} calls were not answered 200", load.refused);
        // More than any connection sent, so every number is used once.
        self.sent += 1 << 32;
        Ok(load)
    }

    /// Empties the queue: every receipt must be in it.
    async fn account(&mut self, what: &str, load: Load) -> anyhow::Result<()> {
        let answered = load.receipts.len() as u64;
        let receipts: HashSet<Uuid> = load.receipts.into_iter().collect();
        let mut kept = HashSet::with_capacity(receipts.len());
        let drained = self
            .broker
            .drain(QUEUE, answered, |fact| {
                kept.extend(Uuid::from_slice(&fact.fact_id).ok());
            })
            .await?;
        self.drained.messages += drained.messages;
        self.drained.items += drained.items;
        let found = receipts.intersection(&kept).count() as u64;
        let unasked = kept.difference(&receipts).count();
        self.accounts.push(
            Account::of(what, answered)
                .found("different receipts", receipts.len() as u64)
                .found("of them in the queue", found)
                .remark((unasked > 0).then(|| format!("{unasked} more that nobody has a receipt of"))),
        );
        Ok(())
    }

    fn take(&self, contestant: &mut Contestant, sample: Sample, round: usize, rounds: usize) {
        self.context.progress.say(&format!("ingest round {round}/{rounds}: {} {sample}", contestant.name));
        contestant.samples.push(sample);
    }
}

fn address(url: &str) -> anyhow::Result<SocketAddr> {
    let host = url.strip_prefix("http://").context("a plain http address")?;
    Ok(host.trim_end_matches('/').parse()?)
}
