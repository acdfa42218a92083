//! payout, many publishers with a host each, and conversions that they are told of: first these are decided while every
//! endpoint is paused, so that their deliveries are written and wait; then the pauses end, and the clock runs until all are
//! told. Both are the service's own doing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use bus::{Route, house::PAYOUT_CONVERSIONS};
use contracts::envelope::Envelope;
use kernel::Timestamp;
use secrecy::SecretString;
use system_tests::{ServiceName, StackOptions, lone::CREDENTIAL_KEYS as KEYS};

use crate::{
    broker::GROUP,
    database::{count, settle},
    flow::{Flow, Known, Rig},
    load::{Connection, Receiver},
    nodes::LocalNodes,
    report::{Account, Sample},
    seed::{PAUSE_ENDPOINTS, Publishers, Wave, Whose, World},
};

/// Publishers, of whom one in twenty never answers.
const PUBLISHERS: u8 = 100;
const NEVER: u8 = 5;
/// How often the receiver is asked whether all have come.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Nothing came for so long: nothing will.
const STUCK: Duration = Duration::from_secs(60);
/// Between the waves' times of receipt.
const WAVE_SECONDS: i64 = 1;
/// An owner's API token, and the key of its hash.
const TOKEN: &str = "gkt_bench";
const PEPPER: &str = "a pepper that only this run knows";
/// Nothing else here has its bucket of conversions as far in the past.
const FIRST_WAVE_AGO_SECONDS: i64 = -3_600;

/// The service, its publishers, and what they were told.
pub struct Telling {
    /// The service.
    pub rig: Rig,
    /// The publishers' servers.
    pub receiver: Receiver,
    world: Arc<World>,
    publishers: Publishers,
    /// Conversions and waves so far.
    used: u64,
    waves: i64,
    told: u64,
    twice: u64,
}

/// What the service is told before.
pub struct Told {
    facts: Vec<(Route, Envelope)>,
}

impl Flow for Told {
    const SERVICE: ServiceName = ServiceName::Payout;
    const QUEUE: &'static str = PAYOUT_CONVERSIONS;
    const DONE: &'static str = "SELECT count(*) FROM conversions";
    const EVENTS: &'static str = "conversions";

    fn settings(&self, options: StackOptions) -> StackOptions {
        options
            .set(ServiceName::Payout, "SEALING__KEYS", KEYS)
            .set(ServiceName::Payout, "AUTH__TOKEN_PEPPER", PEPPER)
            // It is started anew for each measurement, and would release nothing in the first minute.
            .set(ServiceName::Payout, "HOLDS__QUIET_SECONDS", "0")
    }

    fn known(&self, _events: u64) -> Vec<Known> {
        vec![Known {
            facts: self.facts.clone(),
            query: "SELECT (SELECT count(*) FROM tenants) + (SELECT count(*) FROM offers)
                + (SELECT count(*) FROM publishers) + (SELECT count(*) FROM postback_endpoints)",
            count: 2 + 2 * u64::from(PUBLISHERS),
        }]
    }

    fn event(&self, _number: u64) -> (Route, Envelope) {
        unreachable!("waves are published as they are")
    }
}

impl Telling {
    /// Knows its publishers and has told some of them: connections to servers and statements are what they are later.
    pub async fn start(nodes: &LocalNodes, options: StackOptions) -> anyhow::Result<Self> {
        let world = Arc::new(World::new(KEYS)?);
        let receiver = Receiver::start().await?;
        let publishers = Publishers::new(PUBLISHERS, NEVER);
        let flow = Told { facts: publishers.facts(&world, KEYS, receiver.port())? };
        let mut rig = Rig::prepare::<Told>(flow.settings(options), GROUP).await?;
        rig.assert_quorum(nodes, Told::QUEUE)?;
        rig.teach(&flow, 0).await?;
        let hash = signing::token::hash(&SecretString::from(PEPPER), TOKEN);
        let token = "INSERT INTO api_tokens (tenant_id, token_id, token_hash, role, revoked, version)
            VALUES ($1, gen_random_uuid(), $2, 'owner', false, 1)";
        rig.admin.execute(token, &[&world.tenant.as_uuid(), &hash.as_slice()]).await?;
        Ok(Self { rig, receiver, world, publishers, used: 0, waves: 0, told: 0, twice: 0 })
    }

    /// The first host that answers, and how many do.
    pub fn healthy_hosts(&self) -> (u8, u8) {
        self.publishers.healthy_hosts()
    }

    /// Conversions that payout has not heard of.
    pub fn wave(&mut self, conversions: u64, whose: Whose, pending_days: u32) -> Wave {
        let numbers = self.used..self.used + conversions;
        self.used += conversions.next_multiple_of(3);
        self.waves += 1;
        let seconds = FIRST_WAVE_AGO_SECONDS + self.waves * WAVE_SECONDS;
        let received_at: Timestamp = self.world.now.saturating_add_seconds(seconds);
        Wave { numbers, whose, received_at, pending_days }
    }

    /// Has these conversions decided, all endpoints paused: what is to be told of them waits. The sample is of the last wave,
    /// from its first verdict to the last posted ledger entry.
    pub async fn decide(&mut self, nodes: &LocalNodes, wave: &Wave) -> anyhow::Result<Sample> {
        self.rig.admin.batch_execute(PAUSE_ENDPOINTS).await?;
        self.rig.broker.publish(self.publishers.verdicts(&self.world, wave)).await?;
        let status = if wave.pending_days == 0 { "success" } else { "pending" };
        let conversions = wave.numbers.end - wave.numbers.start;
        let worked =
            self.rig.work_off_until::<Told>(nodes, &self.in_status(wave, status), conversions).await?;
        self.rig.outbox_empty().await?;
        self.rig.stop::<Told>().await?;
        Ok(Sample::new(conversions, worked))
    }

    /// Tells `healthy` that wait: from the first that arrives to the last that is recorded. Those that never answer may be
    /// under way meanwhile. Afterwards the service is stopped.
    pub async fn tell(&mut self, nodes: &LocalNodes, healthy: u64) -> anyhow::Result<Sample> {
        self.rig.admin.batch_execute("DELETE FROM endpoint_conditions").await?;
        settle(&self.rig.admin).await?;
        let wanted = usize::try_from(healthy)?;
        self.receiver.take();
        let meter = self.rig.spawn::<Told>(nodes);
        self.arrived(1).await?;
        let before = meter.read();
        self.arrived(wanted).await?;
        // Of a wave only: whatever was loaded is due in hours.
        let recorded = format!(
            "SELECT 1 - least(count(*), 1) FROM postback_endpoints AS endpoints CROSS JOIN LATERAL (
                SELECT FROM deliveries
                WHERE deliveries.tenant_id = endpoints.tenant_id AND deliveries.endpoint_id = endpoints.endpoint_id
                    AND state = 'waiting' AND due_at < now() + interval '10 minutes'
                ORDER BY due_at LIMIT 1
            ) AS due WHERE url_template NOT LIKE '%{}%'",
            crate::load::NEVER
        );
        self.rig.until(&recorded, 1).await?;
        let end = Instant::now();
        let cpu = meter.since(&before);
        let arrivals = self.receiver.arrivals();
        self.twice += arrivals.values().filter(|arrival| arrival.times > 1).count() as u64;
        let first = arrivals.values().map(|arrival| arrival.first).min().context("something arrived")?;
        self.rig.outbox_empty().await?;
        self.rig.stop::<Told>().await?;
        self.told += healthy;
        Ok(Sample { events: healthy, wall: end.saturating_duration_since(first), cpu })
    }

    /// The time is over for a wave that was Pending: from the first that is released to the last.
    pub async fn release(&mut self, nodes: &LocalNodes, wave: &Wave) -> anyhow::Result<Sample> {
        let due = format!("UPDATE conversions SET hold_ends_at = now() WHERE {}", self.of_wave(wave));
        self.rig.admin.batch_execute(&due).await?;
        settle(&self.rig.admin).await?;
        let conversions = wave.numbers.end - wave.numbers.start;
        let released = self.in_status(wave, "success");
        let meter = self.rig.spawn::<Told>(nodes);
        let (start, already) = loop {
            let look = Instant::now();
            let already = count(&self.rig.admin, &released).await?;
            if already > 0 {
                break (look, already);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        let before = meter.read();
        self.rig.until(&released, conversions).await?;
        let (wall, cpu) = (start.elapsed(), meter.since(&before));
        self.rig.outbox_empty().await?;
        self.rig.stop::<Told>().await?;
        // The clock began when these were released already.
        Ok(Sample { events: conversions.saturating_sub(already).max(1), wall, cpu })
    }

    /// Asks the running service for one publisher's health, and expects an answer.
    pub async fn ask_health(&mut self) -> anyhow::Result<()> {
        let address = self.rig.address::<Told>()?;
        let request = format!(
            "GET /api/v1/publishers/{}/health HTTP/1.1\r\nHost: {address}\r\nAuthorization: ApiToken {TOKEN}\r\n\r\n",
            self.publishers.last(),
        );
        let mut connection = Connection::open(address).await?;
        let status = connection.exchange(request.as_bytes()).await?.status;
        ensure!(status == 200, "a publisher's health is answered {status}");
        Ok(())
    }

    /// What still waits of those that never answer is out of the way.
    pub async fn put_off(&self) -> anyhow::Result<()> {
        let far =
            "UPDATE deliveries SET due_at = now() + interval '10 days', lease = NULL, leased_until = NULL
            WHERE state = 'waiting' AND due_at < now() + interval '1 hour'";
        Ok(self.rig.admin.batch_execute(far).await?)
    }

    /// Waits until so many different deliveries have arrived.
    pub async fn arrived(&self, wanted: usize) -> anyhow::Result<()> {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            let arrived = self.receiver.count();
            if arrived >= wanted {
                return Ok(());
            }
            if arrived > last {
                (last, since) = (arrived, Instant::now());
            }
            ensure!(since.elapsed() < STUCK, "stuck: {arrived} of {wanted} have arrived");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn of_wave(&self, wave: &Wave) -> String {
        format!(
            "tenant_id = '{}' AND received_at = timestamptz 'epoch' + {} * interval '1 microsecond'",
            self.world.tenant,
            wave.received_at.as_micros()
        )
    }

    fn in_status(&self, wave: &Wave, status: &str) -> String {
        format!("SELECT count(*) FROM conversions WHERE {} AND status = '{status}'", self.of_wave(wave))
    }

    /// Every delivery to who answers: it arrived, was recorded, and each attempt is in the log.
    pub async fn account(&self, what: &str) -> anyhow::Result<Account> {
        let delivered = count(&self.rig.admin, &self.recorded("deliveries.state = 'delivered'")).await?;
        let attempts = count(&self.rig.admin, &self.recorded("attempts = 1")).await?;
        let dead = count(&self.rig.admin, "SELECT count(*) FROM dead_items").await?;
        Ok(Account::of(what, self.told)
            .found("deliveries recorded as delivered", delivered)
            .found("tried once", attempts)
            .remark((self.twice > 0).then(|| format!("{} arrived more than once", self.twice)))
            .remark((dead > 0).then(|| format!("{dead} dead items"))))
    }

    fn recorded(&self, what: &str) -> String {
        format!(
            "SELECT count(*) FROM deliveries JOIN postback_endpoints USING (tenant_id, endpoint_id)
            JOIN conversions USING (tenant_id, conversion_id)
            WHERE url_template NOT LIKE '%{}%' AND {what} AND conversions.received_at >= timestamptz 'epoch' + {} * interval '1 microsecond'
                AND conversions.received_at <= timestamptz 'epoch' + {} * interval '1 microsecond'",
            crate::load::NEVER,
            self.world.now.saturating_add_seconds(FIRST_WAVE_AGO_SECONDS).as_micros(),
            self.world.now.as_micros(),
        )
    }
}
