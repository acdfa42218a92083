//! The service, started as in production but for its ports, with a publisher to tell and a listener for what it says.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bus::{BatchHandler, Bus, BusSettings, HandleError, Queue, Route, Topology};
use contracts::{
    Fact,
    attribution::{ConversionQualified, InputHeard, PersonErased},
    catalog::{
        AdvertiserChanged, ApiTokenChanged, OfferVersionCreated, PublisherChanged, TenantChanged, TokenRole,
    },
    envelope::Envelope,
    open,
};
use diesel::{QueryableByName, sql_query, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use http_kit::{HttpSettings, admin::AdminSettings, auth::AuthSettings, client::ClientSettings};
use payout::{
    Addresses, DeliverySettings, Findings, HoldSettings, LedgerSettings, LimitSettings, RetentionSettings,
    SealingSettings, Settings,
};
use postgres_kit::DatabaseSettings;
use process::{Runtime, StopSettings};
use secrecy::SecretString;
use telemetry::TelemetrySettings;
use test_kit::{Delivery, FakePublisher, Namespace, TestDatabase, eventually};

use crate::facts::{KEYS, PEPPER, Tenant};

/// The token of the tenant's manager.
pub(crate) const MANAGER: &str = "gkt_manager";
/// Of its publisher.
pub(crate) const PARTNER: &str = "gkt_partner";
/// Of another tenant's owner.
pub(crate) const STRANGER: &str = "gkt_stranger";
/// Everything here happens within this, on a busy machine too.
pub(crate) const SOON: Duration = Duration::from_mins(1);

/// What the service said.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<Envelope>>>);

impl BatchHandler for Ear {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(items);
        Ok(())
    }

    async fn bury(&self, _item: &Envelope, reason: &str) -> Result<(), HandleError> {
        panic!("nothing to bury: {reason}");
    }
}

/// Running replicas, their database, their part of the broker, and a publisher.
pub(crate) struct Stage {
    // Dropped in this order: what is connected before what it is connected to.
    runtimes: Vec<Runtime>,
    settings: Settings,
    bus: Bus,
    ear: Ear,
    pub(crate) address: SocketAddr,
    /// Of every replica.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) publisher: FakePublisher,
    pub(crate) database: TestDatabase,
    _namespace: Namespace,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        Self::with(1, |_| ()).await
    }

    pub(crate) async fn with(replicas: usize, change: impl Fn(&mut Settings)) -> Self {
        let database = test_kit::database("payout", payout::migrate).await;
        Self::on(database, replicas, Runtime::new, change).await
    }

    /// The same on a database that was prepared, with other effects.
    pub(crate) async fn on(
        database: TestDatabase,
        replicas: usize,
        runtime: impl Fn() -> Runtime,
        change: impl Fn(&mut Settings),
    ) -> Self {
        let namespace = test_kit::namespace();
        let bus_settings = BusSettings::new(namespace.amqp_url(), namespace.name());
        let mut settings = settings(&database, &bus_settings);
        change(&mut settings);
        let mut runtimes = Vec::new();
        let mut addresses = Vec::new();
        for _ in 0..replicas {
            let runtime = runtime();
            let Addresses { http, .. } = payout::start(&settings, &runtime).expect("a start");
            addresses.push(http);
            runtimes.push(runtime);
        }
        let ours = Runtime::new();
        let topology = Topology::new().queue(Queue::shared("test.said").bind("payout.events", "#"));
        let bus = Bus::start(&bus_settings, "test", topology, &ours.supervisor);
        let ear = Ear::default();
        bus.consume("test.said", ear.clone()).expect("a queue");
        eventually("everything is connected", SOON, async || {
            bus.is_connected()
                && bus.is_writable()
                && runtimes.iter().all(|runtime| runtime.readiness.is_ready())
        })
        .await;
        runtimes.push(ours);
        let address = *addresses.last().expect("at least one");
        Self {
            runtimes,
            settings,
            bus,
            ear,
            address,
            addresses,
            publisher: FakePublisher::start(),
            database,
            _namespace: namespace,
        }
    }

    /// Ends every replica where it stands, as far as one process can do that to a part of itself: nothing under way is
    /// finished. The test's own part of the broker stays.
    pub(crate) async fn kill(&mut self) {
        let ours = self.runtimes.pop().expect("the test's own");
        for runtime in self.runtimes.drain(..) {
            runtime.supervisor.hard().cancel();
            drop(runtime.supervisor.drain(SOON).await);
        }
        self.runtimes.push(ours);
    }

    /// Starts one more replica; from now on it is the one that is asked.
    pub(crate) async fn start_another(&mut self) {
        let runtime = Runtime::new();
        self.address = payout::start(&self.settings, &runtime).expect("a start").http;
        eventually("it is ready", SOON, async || runtime.readiness.is_ready()).await;
        self.runtimes.insert(0, runtime);
    }

    /// Stops the first replica in order and starts it again: it remembers what its database does.
    pub(crate) async fn restart(&mut self) {
        self.runtimes.remove(0).supervisor.drain(SOON).await.expect("work ends");
        let runtime = Runtime::new();
        self.address = payout::start(&self.settings, &runtime).expect("a start").http;
        eventually("it is ready again", SOON, async || runtime.readiness.is_ready()).await;
        self.runtimes.insert(0, runtime);
    }

    /// Stops the replica that has run longest in mid-work, and starts another in its place.
    pub(crate) async fn replace(&mut self) {
        let runtime = Runtime::new();
        let Addresses { http, .. } = payout::start(&self.settings, &runtime).expect("a start");
        let old = self.runtimes.remove(0);
        // No time to end in order: what is under way is dropped where it is.
        drop(old.supervisor.drain(Duration::ZERO).await);
        self.address = http;
        let ready = runtime.readiness.clone();
        // Before the last, which is the test's own.
        self.runtimes.insert(self.runtimes.len() - 1, runtime);
        eventually("the new one is connected", SOON, async || ready.is_ready()).await;
    }

    /// Where the tenant's publisher wants to hear by GET.
    pub(crate) fn template(&self) -> String {
        format!(
            "{}/cb?c={{pub_click_id}}&m={{pub_member_id}}&s={{status}}&p={{payout}}&id={{conversion_id}}",
            self.publisher.url()
        )
    }

    /// Says catalog facts and waits until the service has taken them.
    pub(crate) async fn say_catalog(&self, items: impl IntoIterator<Item = Envelope>) {
        for item in items {
            let (key, table) = match item.fact.as_str() {
                TenantChanged::NAME => (TenantChanged::ROUTING_KEY, "tenants"),
                ApiTokenChanged::NAME => (ApiTokenChanged::ROUTING_KEY, "api_tokens"),
                AdvertiserChanged::NAME => (AdvertiserChanged::ROUTING_KEY, "advertisers"),
                PublisherChanged::NAME => (PublisherChanged::ROUTING_KEY, "publishers"),
                OfferVersionCreated::NAME => (OfferVersionCreated::ROUTING_KEY, "offers"),
                other => panic!("{other} is no fact of these tests"),
            };
            let version = self.versions(table).await;
            self.say(Route::new("catalog.events", key), [item]).await;
            eventually("the fact is applied", SOON, async || self.versions(table).await > version).await;
        }
    }

    /// Says an older version of a publisher, and a tenant's newer one behind it: when that is applied, so was the first.
    pub(crate) async fn say_stale(&self, stale: Envelope, behind: Envelope) {
        self.say(Route::of::<PublisherChanged>(), [stale]).await;
        self.say_catalog([behind]).await;
    }

    /// The same of an offer, or of the version that is there already.
    pub(crate) async fn say_stale_offer(&self, stale: Envelope, behind: Envelope) {
        self.say(Route::of::<OfferVersionCreated>(), [stale]).await;
        self.say_catalog([behind]).await;
    }

    /// Says words on advertisers at once, and a tenant's newer version behind them: when that is applied, so were they.
    pub(crate) async fn say_of_advertisers(
        &self,
        words: impl IntoIterator<Item = Envelope>,
        behind: Envelope,
    ) {
        self.say(Route::of::<AdvertiserChanged>(), words).await;
        self.say_catalog([behind]).await;
    }

    /// Every fact of these tests raises the sum of its table's versions.
    async fn versions(&self, table: &str) -> i64 {
        self.count(&format!("SELECT coalesce(sum(version), 0)::bigint AS count FROM {table}")).await
    }

    /// A tenant with its publisher's one endpoint, and its offer without limits.
    pub(crate) async fn introduce(&self, tenant: Tenant) {
        self.introduce_with(tenant, tenant.offer(1)).await;
    }

    /// The same with an offer that has limits.
    pub(crate) async fn introduce_with(&self, tenant: Tenant, offer: OfferVersionCreated) {
        let endpoint = tenant.endpoint(self.template());
        let facts = [tenant.changed(1, &[]), tenant.publisher(1, vec![endpoint]), tenant.envelope(&offer)];
        self.say_catalog(facts).await;
    }

    /// Set, with a tenant that is known, and the tokens of who reads: its manager and publisher, and another tenant's owner.
    pub(crate) async fn with_readers() -> (Self, Tenant) {
        let stage = Self::set().await;
        let (brownboots, other) = (Tenant::new(1), Tenant::new(2));
        stage.introduce(brownboots).await;
        let tokens = [
            brownboots.token(MANAGER, TokenRole::Manager),
            brownboots.token(PARTNER, TokenRole::Publisher),
            other.token(STRANGER, TokenRole::Owner),
        ];
        stage.say_catalog(tokens).await;
        (stage, brownboots)
    }

    /// From now on attribution says again and again that its input is read.
    pub(crate) fn attribution_is_well(&self) {
        let (bus, ours) = (self.bus.clone(), self.runtimes.last().expect("the test's own"));
        ours.supervisor.spawn_support("attribution", async move {
            loop {
                let said = InputHeard { heard_until_micros: crate::facts::now().as_micros() };
                let item = crate::facts::of_nobody(&said);
                // The broker may be away: then nothing is heard.
                bus.publisher().publish_all::<Envelope>(vec![(Route::of::<InputHeard>(), item)]).await.ok();
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
    }

    /// Says that a person is forgotten.
    pub(crate) async fn say_forgotten(&self, item: Envelope) {
        self.say(Route::of::<PersonErased>(), [item]).await;
    }

    /// All four facts go to one queue; which key is taken makes no difference.
    pub(crate) async fn say_verdicts(&self, items: impl IntoIterator<Item = Envelope>) {
        self.say(Route::of::<ConversionQualified>(), items).await;
    }

    async fn say(&self, route: Route, items: impl IntoIterator<Item = Envelope>) {
        let items = items.into_iter().map(|item| (route.clone(), item)).collect();
        self.bus.publisher().publish_all::<Envelope>(items).await.expect("confirms");
    }

    /// Every fact of one kind that the service has said until now.
    pub(crate) fn said<F: Fact>(&self) -> Vec<F> {
        let said = self.ear.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.iter().filter(|item| item.fact == F::NAME).map(|item| open(item).expect("a fact")).collect()
    }

    /// Waits until the service has said so many facts of one kind.
    pub(crate) async fn said_count<F: Fact>(&self, count: usize) -> Vec<F> {
        eventually(F::NAME, SOON, async || {
            let said = self.said::<F>();
            if said.len() >= count { Ok(said) } else { Err(format!("{} of {count}", said.len())) }
        })
        .await
    }

    /// Waits until the publisher has heard so much.
    pub(crate) async fn told(&self, count: usize) -> Vec<Delivery> {
        self.publisher.wait_for(count, SOON).await
    }

    /// One number from the database.
    pub(crate) async fn count(&self, query: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let mut admin = self.database.admin().await;
        let row: Count = sql_query(query).get_result(&mut admin).await.expect("a count");
        row.count
    }

    /// Waits until so many rows match.
    pub(crate) async fn rows(&self, from: &str, count: i64) {
        eventually(from, SOON, async || {
            let found = self.count(&format!("SELECT count(*) AS count FROM {from}")).await;
            if found == count { Ok(()) } else { Err(format!("{found} instead of {count}")) }
        })
        .await;
    }

    /// Changes what time would change.
    pub(crate) async fn meanwhile(&self, statement: &str) -> usize {
        let mut admin = self.database.admin().await;
        sql_query(statement).execute(&mut admin).await.expect("a statement")
    }

    /// Lets every pending time end now.
    pub(crate) async fn holds_end(&self) {
        self.meanwhile("UPDATE conversions SET hold_ends_at = now() WHERE status = 'pending'").await;
    }

    /// Lets the statement period that goes on be over now.
    pub(crate) async fn month_ends(&self) {
        let ended = "UPDATE statement_periods SET ends_at = clock_timestamp() WHERE ends_at > now()";
        assert!(self.meanwhile(ended).await > 0, "a period goes on");
    }

    /// Lets the pause before the next attempt be over.
    pub(crate) async fn pause_ends(&self) {
        eventually("an attempt is recorded", SOON, async || {
            self.meanwhile(
                "UPDATE deliveries SET due_at = now() WHERE state = 'waiting' AND lease IS NULL AND due_at > now()",
            )
            .await
                > 0
        })
        .await;
    }

    /// Asks the API; with a token or without.
    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> (u16, serde_json::Value) {
        let mut request = test_kit::http_client().get(format!("http://{}{path}", self.address));
        if let Some(token) = token {
            request = request.header("authorization", format!("ApiToken {token}"));
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.expect("JSON"))
    }

    /// Asks the API for a text: its status, its kind, itself.
    pub(crate) async fn text(&self, path: &str, token: &str) -> (u16, String, String) {
        let request = test_kit::http_client().get(format!("http://{}{path}", self.address));
        let response =
            request.header("authorization", format!("ApiToken {token}")).send().await.expect("an answer");
        let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
        (response.status().as_u16(), kind, response.text().await.expect("text"))
    }

    /// Asks the API to do something; with a token or without.
    pub(crate) async fn post(
        &self,
        path: &str,
        token: Option<&str>,
        body: &serde_json::Value,
    ) -> (u16, serde_json::Value) {
        let mut request = test_kit::http_client().post(format!("http://{}{path}", self.address)).json(body);
        if let Some(token) = token {
            request = request.header("authorization", format!("ApiToken {token}"));
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.expect("JSON"))
    }

    /// Waits until every replica knows that the broker is away.
    pub(crate) async fn becomes_unready(&self) {
        let (_, theirs) = self.runtimes.split_last().expect("the test's own");
        eventually("they know it", SOON, async || theirs.iter().all(|runtime| !runtime.readiness.is_ready()))
            .await;
    }

    /// Ends one of several replicas; the API is another's.
    pub(crate) async fn end_one(&mut self) {
        let first = self.runtimes.remove(0);
        first.supervisor.drain(SOON).await.expect("work ends");
    }

    /// The ledger's proof.
    pub(crate) async fn proof(&self) -> Findings {
        payout::verify(&self.database.settings()).await.expect("a proof")
    }

    /// Proves the ledger and stops everything in order.
    pub(crate) async fn strike(self) {
        let proof = self.proof().await;
        assert_eq!(proof.differences, Vec::<String>::new());
        for runtime in &self.runtimes {
            runtime.supervisor.drain(SOON).await.expect("work ends");
        }
    }
}

/// Waits until a metric is right, as the on-call person sees it.
pub(crate) async fn metric(name: &'static str, is_right: impl Fn(i64) -> bool) {
    eventually(name, SOON, async || {
        let text = telemetry::prometheus_text();
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_whitespace().last()).map(str::to_owned);
        match value.as_deref().and_then(|value| value.parse().ok()) {
            Some(value) if is_right(value) => Ok(()),
            _ => Err(value),
        }
    })
    .await;
}

fn settings(database: &TestDatabase, bus: &BusSettings) -> Settings {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Settings {
        http: HttpSettings { listen: any_port, ..HttpSettings::default() },
        admin: AdminSettings { listen: any_port },
        database: DatabaseSettings { pool_size: 8, ..database.settings() },
        bus: bus.clone(),
        auth: AuthSettings { token_pepper: SecretString::from(PEPPER), cache_ms: 0 },
        sealing: SealingSettings { keys: SecretString::from(KEYS) },
        client: ClientSettings {
            allowed_networks: vec!["127.0.0.0/8".parse().expect("a network")],
            ..ClientSettings::default()
        },
        delivery: DeliverySettings {
            in_flight: 16,
            per_publisher: 8,
            per_publisher_per_second: 1_000,
            lease_seconds: 45,
            poll_ms: 100,
        },
        holds: HoldSettings { poll_ms: 50, batch: 7, quiet_seconds: 0 },
        limits: LimitSettings { poll_ms: 50, batch: 7 },
        ledger: LedgerSettings { proof_seconds: 86_400 },
        retention: RetentionSettings { usage_days: 800, bulk_days: 400, poll_ms: 100 },
        telemetry: TelemetrySettings::default(),
        stop: StopSettings::default(),
    }
}
