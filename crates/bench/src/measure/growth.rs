//! attribution with a past: what a postback costs when two million are stored, beside two hundred thousand; and when a
//! million are parked, beside none.

use std::sync::Arc;

use anyhow::ensure;
use bus::Route;
use contracts::{ingest::PostbackReceived, tracker::ClickRecorded};
use system_tests::StackOptions;

use super::{Context, Outcome, attribution::Attribution};
use crate::{
    broker::GROUP,
    database::count,
    flow::{Flow, Rig},
    report::{Account, Aim, Comparison, Contestant, Sample, grouped},
    seed::{self, Postbacks, Spread, World},
};

/// Stored postbacks.
const MANY: u64 = 2_000_000;
const FEW: u64 = 200_000;
/// Parked postbacks.
pub(super) const PARKED: u64 = 1_000_000;
/// Postbacks of a round, and the least: all steps of a thousand users.
const EVENTS: u64 = 15_000;
const GROUP_OF_USERS: u64 = 3_000;
const ROUNDS: usize = 5;
/// A postback may cost a fifth more among ten times as many: this share of the rate is left.
const SHARE_STORED: f64 = 1.0 / 1.2;
/// "Nothing" within what rounds of one and the same service differ by.
const SHARE_PARKED: f64 = 0.95;
/// Click ids of what is parked begin here; no round comes so far.
pub(super) const PARKED_FROM: u64 = 100_000_000;

/// A service with a past, and fresh postbacks for it.
pub(super) struct Past {
    pub(super) rig: Rig,
    pub(super) world: Arc<World>,
    postbacks: Postbacks,
    /// Postbacks sent so far, the past's first ones among them.
    sent: u64,
}

impl Past {
    /// Knows the offer, and has decided the postbacks of a thousand users.
    pub(super) async fn start(context: Context<'_>, options: StackOptions) -> anyhow::Result<Self> {
        let flow = Attribution::new(GROUP_OF_USERS)?;
        let rig = Rig::prepare::<Attribution>(flow.settings(options), GROUP).await?;
        rig.assert_quorum(context.nodes, Attribution::QUEUE)?;
        let world = flow.world();
        let postbacks = Postbacks::new(Arc::clone(&world), GROUP_OF_USERS);
        let mut past = Self { rig, world, postbacks, sent: 0 };
        past.rig.teach(&flow, GROUP_OF_USERS).await?;
        past.work(context, GROUP_OF_USERS).await?;
        Ok(past)
    }

    /// As many stored postbacks, copies of those that were decided.
    async fn store(&self, postbacks: u64) -> anyhow::Result<()> {
        let copies = (postbacks / GROUP_OF_USERS).saturating_sub(1);
        seed::copy_journeys(&self.rig.admin, copies, Spread::Days).await
    }

    /// As many that wait for their click.
    pub(super) async fn park(
        &mut self,
        context: Context<'_>,
        postbacks: u64,
        spread: Spread,
    ) -> anyhow::Result<()> {
        let first = PARKED_FROM;
        let waits = seed::install(&self.world, self.world.click_id(first), "parked");
        self.rig.broker.publish([(Route::of::<PostbackReceived>(), waits)]).await?;
        self.rig
            .work_off_until::<Attribution>(
                context.nodes,
                "SELECT count(*) FROM decisions WHERE code = 'WAITING_CLICK'",
                1,
            )
            .await?;
        self.copy(first, postbacks, spread).await
    }

    /// As many second steps that wait for the first one of a user who clicked.
    pub(super) async fn park_second_steps(
        &mut self,
        context: Context<'_>,
        postbacks: u64,
    ) -> anyhow::Result<()> {
        let first = 2 * PARKED_FROM;
        self.rig.start::<Attribution>().await;
        let click = (Route::of::<ClickRecorded>(), seed::click_of_nobody(&self.world, first));
        self.rig.broker.publish([click]).await?;
        let id = self.world.click_id(first);
        let known = format!("SELECT count(*) FROM journeys WHERE click_id = '{id}' AND click IS NOT NULL");
        self.rig.until(&known, 1).await?;
        self.rig.stop::<Attribution>().await?;
        let waits = (Route::of::<PostbackReceived>(), seed::second_step(&self.world, id, "parked"));
        self.rig.broker.publish([waits]).await?;
        let done = "SELECT count(*) FROM decisions WHERE code = 'WAITING_SEQUENCE'";
        self.rig.work_off_until::<Attribution>(context.nodes, done, 1).await?;
        self.copy(first, postbacks, Spread::Minutes).await
    }

    /// Stops the service, and copies one journey into so many altogether.
    async fn copy(&mut self, first: u64, journeys: u64, spread: Spread) -> anyhow::Result<()> {
        self.rig.stop::<Attribution>().await?;
        let clicks: Vec<_> = (1..journeys).map(|number| self.world.click_id(first + number)).collect();
        seed::copy_journey(&self.rig.admin, self.world.click_id(first), clicks.into_iter(), spread).await
    }

    /// Works off so many more postbacks of users who clicked.
    async fn round(&mut self, context: Context<'_>, events: u64) -> anyhow::Result<Sample> {
        let clicks = self.postbacks.clicks(self.sent)..self.postbacks.clicks(self.sent + events);
        let last = clicks.end;
        self.rig.start::<Attribution>().await;
        let facts = clicks.map(|number| (Route::of::<ClickRecorded>(), seed::click(&self.world, number)));
        self.rig.broker.publish(facts).await?;
        let known = self.world.click_id(last - 1);
        self.rig
            .until(
                &format!("SELECT count(*) FROM journeys WHERE click_id = '{known}' AND click IS NOT NULL"),
                1,
            )
            .await?;
        self.rig.until_empty(bus::house::ATTRIBUTION_CLICKS).await?;
        self.rig.stop::<Attribution>().await?;
        self.work(context, events).await
    }

    async fn work(&mut self, context: Context<'_>, events: u64) -> anyhow::Result<Sample> {
        let numbers = self.sent..self.sent + events;
        let facts = numbers.map(|number| (Route::of::<PostbackReceived>(), self.postbacks.envelope(number)));
        self.rig.broker.publish(facts).await?;
        self.sent += events;
        let done = self.decided();
        let worked = self.rig.work_off_until::<Attribution>(context.nodes, &done, self.sent).await?;
        self.rig.outbox_empty().await?;
        self.rig.stop::<Attribution>().await?;
        Ok(Sample::new(events, worked))
    }

    /// Counts what this run sent and what is decided, through the key: all of it was received at one moment.
    fn decided(&self) -> String {
        format!(
            "SELECT count(*) FROM decisions WHERE tenant_id = '{}' AND is_current AND code = 'QUALIFIED'
                AND received_at = timestamptz 'epoch' + {} * interval '1 microsecond'",
            self.world.tenant,
            self.world.now.as_micros()
        )
    }

    async fn account(&self, what: &str) -> anyhow::Result<Account> {
        let dead = count(&self.rig.admin, "SELECT count(*) FROM dead_items").await?;
        Ok(Account::of(what, self.sent)
            .found("qualified", count(&self.rig.admin, &self.decided()).await?)
            .remark((dead > 0).then(|| format!("{dead} dead items"))))
    }
}

/// Measures both.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let stored = context.scale.events(MANY, 10 * GROUP_OF_USERS);
    let few_stored = context.scale.events(FEW, GROUP_OF_USERS);
    let (few, many) =
        (Past::start(context, StackOptions::new()).await?, Past::start(context, StackOptions::new()).await?);
    few.store(few_stored).await?;
    many.store(stored).await?;
    let of_stored = contest(
        context,
        [many, few],
        Words {
            title: "attribution: postbacks among 2 M stored",
            names: ["among many stored", "among few stored"],
            sizes: [stored, few_stored],
            least: SHARE_STORED,
        },
    )
    .await?;

    let parked = context.scale.events(PARKED, 1_000);
    let none = Past::start(context, StackOptions::new()).await?;
    let mut waiting = Past::start(context, StackOptions::new()).await?;
    waiting.park(context, parked, Spread::Minutes).await?;
    let of_parked = contest(
        context,
        [waiting, none],
        Words {
            title: "attribution: postbacks beside 1 M parked",
            names: ["beside many parked", "beside none parked"],
            sizes: [parked, 0],
            least: SHARE_PARKED,
        },
    )
    .await?;
    Ok(Outcome {
        rows: [of_stored.rows, of_parked.rows].concat(),
        accounts: [of_stored.accounts, of_parked.accounts].concat(),
    })
}

struct Words {
    title: &'static str,
    names: [&'static str; 2],
    sizes: [u64; 2],
    least: f64,
}

/// Turn by turn, the subject first.
async fn contest(context: Context<'_>, pasts: [Past; 2], words: Words) -> anyhow::Result<Outcome> {
    let events = context.scale.events(EVENTS, GROUP_OF_USERS) / GROUP_OF_USERS * GROUP_OF_USERS;
    let mut turns = words.names.map(Contestant::new).into_iter().zip(pasts).collect::<Vec<_>>();
    let rounds = context.scale.rounds(ROUNDS);
    for round in 0..=rounds {
        for (contestant, past) in &mut turns {
            let sample = past.round(context, events).await?;
            context.progress.say(&format!("{} {round}/{rounds}: {sample}", contestant.name));
            // The first one only warms what a long-running database has warm.
            if round > 0 {
                contestant.samples.push(sample);
            }
        }
    }
    let mut accounts = Vec::new();
    let mut contestants = Vec::new();
    for (contestant, past) in turns {
        accounts.push(past.account(&format!("attribution, {}", contestant.name)).await?);
        contestants.push(contestant);
        past.rig.close::<Attribution>().await?;
    }
    let [subject, other]: [Contestant; 2] =
        contestants.try_into().map_err(|_| anyhow::anyhow!("two contestants"))?;
    ensure!(!subject.samples.is_empty(), "no round was held");
    let aim = if context.scale.is_whole() { Aim::Share(words.least) } else { Aim::Told };
    let sizes = words.sizes.map(|size| grouped(size as f64));
    let comparison = Comparison {
        title: words.title,
        subject,
        beside: vec![(other, aim)],
        notes: vec![format!("{}: {}; {}: {}", words.names[0], sizes[0], words.names[1], sizes[1])],
    };
    Ok(Outcome::of(&comparison, accounts))
}
