//! The service, started as in production but for its ports, with a listener for what it says.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use attribution::{
    AlarmSettings, Attribution, ClickSettings, JudgingSettings, MIGRATIONS, RetentionSettings, Settings,
};
use bus::{BatchHandler, Bus, BusSettings, HandleError, Queue, Route, Topology};
use contracts::{
    Fact,
    attribution::{
        ConversionAmended, ConversionQualified, ConversionReviewRequested, ConversionVerdict,
        ConversionVetoed, InputHeard,
    },
    catalog::TenantChanged,
    envelope::Envelope,
    ingest::PostbackReceived,
    open,
    payout::{ConversionDecidedByPerson, ConversionStatusChanged, DeliveryOutcome},
    tracker::ClickRecorded,
};
use diesel::{QueryableByName, sql_query, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use http_kit::{HttpSettings, admin::AdminSettings, auth::AuthSettings};
use postgres_kit::{DatabaseSettings, Grants};
use process::{Runtime, Service, StopSettings};
use secrecy::SecretString;
use telemetry::TelemetrySettings;
use test_kit::{Namespace, TestDatabase, eventually, free_port};

use crate::facts::{KEYS, PEPPER, Tenant};

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

/// One running service (or several on one database), its database and its part of the broker.
pub(crate) struct Stage {
    // Dropped in this order: what is connected before what it is connected to.
    runtimes: Vec<Runtime>,
    bus: Bus,
    bus_settings: BusSettings,
    ear: Ear,
    pub(crate) address: SocketAddr,
    pub(crate) database: TestDatabase,
    _namespace: Namespace,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        Self::with_replicas(1).await
    }

    pub(crate) async fn with_replicas(count: usize) -> Self {
        let database = test_kit::database("attribution", migrate).await;
        let namespace = test_kit::namespace();
        let bus_settings = BusSettings::new(namespace.amqp_url(), namespace.name());
        let mut runtimes = Vec::new();
        let mut address = None;
        for _ in 0..count {
            let runtime = Runtime::new();
            let settings = settings(&database, &bus_settings);
            address = Some(settings.http.listen);
            Attribution::serve(settings, runtime.clone()).await.expect("a start");
            runtimes.push(runtime);
        }
        let ours = Runtime::new();
        let topology = Topology::new().queue(Queue::shared("test.verdicts").bind("attribution.events", "#"));
        let bus = Bus::start(&bus_settings, "test", topology, &ours.supervisor);
        let ear = Ear::default();
        bus.consume("test.verdicts", ear.clone()).expect("a queue");
        eventually("everything is connected", SOON, async || {
            bus.is_connected()
                && bus.is_writable()
                && runtimes.iter().all(|runtime| runtime.readiness.is_ready())
        })
        .await;
        runtimes.push(ours);
        let address = address.expect("at least one");
        Self { runtimes, bus, bus_settings, ear, address, database, _namespace: namespace }
    }

    /// Starts one more replica on the same stage.
    pub(crate) async fn again(mut self) -> Self {
        let runtime = Runtime::new();
        let settings = settings(&self.database, &self.bus_settings);
        Attribution::serve(settings, runtime.clone()).await.expect("a start");
        self.runtimes.insert(0, runtime);
        self
    }

    /// A stage on which the tenant's credential and offer are known.
    pub(crate) async fn with(tenant: &Tenant) -> Self {
        Self::replicas_with(1, tenant).await
    }

    /// The same with so many replicas.
    pub(crate) async fn replicas_with(count: usize, tenant: &Tenant) -> Self {
        let stage = Self::with_replicas(count).await;
        stage.say_catalog([tenant.tenant(), tenant.credential(1, None), tenant.offer_version(1, &[])]).await;
        stage.rows("SELECT count(*) AS count FROM offer_versions", 1).await;
        stage
    }

    async fn say(&self, route: Route, items: impl IntoIterator<Item = Envelope>) {
        let items = items.into_iter().map(|item| (route.clone(), item)).collect();
        self.bus.publisher().publish_all::<Envelope>(items).await.expect("confirms");
    }

    /// Catalog facts are bound by their keys; one queue hears them all.
    pub(crate) async fn say_catalog(&self, items: impl IntoIterator<Item = Envelope>) {
        for item in items {
            let key = match item.fact.as_str() {
                name if name == TenantChanged::NAME => TenantChanged::ROUTING_KEY,
                name if name.ends_with("ApiTokenChanged") => "token.changed.v1",
                name if name.ends_with("CredentialChanged") => "credential.changed.v1",
                name if name.ends_with("OfferChanged") => "offer.changed.v1",
                name if name.ends_with("OfferVersionCreated") => "offer.version-created.v1",
                other => panic!("{other} is no fact of these tests"),
            };
            self.say(Route::new("catalog.events", key), [item]).await;
        }
    }

    /// Payout's facts are bound by their keys; one queue hears them all.
    pub(crate) async fn say_payout(&self, items: impl IntoIterator<Item = Envelope>) {
        for item in items {
            let key = match item.fact.as_str() {
                name if name == ConversionDecidedByPerson::NAME => ConversionDecidedByPerson::ROUTING_KEY,
                name if name == ConversionStatusChanged::NAME => ConversionStatusChanged::ROUTING_KEY,
                name if name == DeliveryOutcome::NAME => DeliveryOutcome::ROUTING_KEY,
                other => panic!("{other} is no fact of these tests"),
            };
            self.say(Route::new("payout.events", key), [item]).await;
        }
    }

    pub(crate) async fn say_clicks(&self, items: impl IntoIterator<Item = Envelope>) {
        self.say(Route::of::<ClickRecorded>(), items).await;
    }

    /// Clicks and postbacks come on different roads; for stories in which the click must be there first.
    pub(crate) async fn say_first_click(&self, item: Envelope) {
        self.say_clicks([item]).await;
        self.rows("SELECT count(*) AS count FROM journeys WHERE click IS NOT NULL", 1).await;
    }

    pub(crate) async fn say_postbacks(&self, items: impl IntoIterator<Item = Envelope>) {
        self.say(Route::of::<PostbackReceived>(), items).await;
    }

    /// Everything the service has said until now.
    pub(crate) fn said(&self) -> Vec<Envelope> {
        let said = self.ear.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.iter().filter(|item| item.fact != InputHeard::NAME).cloned().collect()
    }

    /// Until when, each time, the service has said that its input is read; in microseconds.
    pub(crate) fn heard(&self) -> Vec<i64> {
        let said = self.ear.0.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = said.iter().filter_map(|item| open::<InputHeard>(item).ok());
        heard.map(|fact| fact.heard_until_micros).collect()
    }

    /// Waits until so many facts were said.
    pub(crate) async fn said_count(&self, count: usize) -> Vec<Envelope> {
        eventually("facts are said", SOON, async || {
            let said = self.said();
            if said.len() >= count { Ok(said) } else { Err(format!("{} of {count}", said.len())) }
        })
        .await
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

    /// A hand in the database.
    pub(crate) async fn meddle(&self, statement: &str) {
        let mut admin = self.database.admin().await;
        sql_query(statement).execute(&mut admin).await.expect("a change");
    }

    /// Waits until the query counts so many.
    pub(crate) async fn rows(&self, query: &str, count: i64) {
        eventually(query, SOON, async || {
            let found = self.count(query).await;
            if found == count { Ok(()) } else { Err(format!("{found} instead of {count}")) }
        })
        .await;
    }

    /// Waits until so many postbacks have this code now.
    pub(crate) async fn coded(&self, code: &str, count: i64) {
        self.rows(
            &format!("SELECT count(*) AS count FROM decisions WHERE is_current AND code = '{code}'"),
            count,
        )
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

    /// Asks the API until the answer has a field.
    pub(crate) async fn get_until(&self, path: &str, token: &str, field: &str) -> serde_json::Value {
        eventually(&format!("{field} of {path}"), SOON, async || {
            let (_, body) = self.get(path, Some(token)).await;
            let is_there = body.get(field).is_some_and(|value| !value.is_null());
            if is_there { Ok(body) } else { Err(body.to_string()) }
        })
        .await
    }

    /// Sends JSON to the API.
    pub(crate) async fn post(
        &self,
        path: &str,
        token: &str,
        body: &serde_json::Value,
    ) -> (u16, serde_json::Value) {
        self.post_as(path, token, "application/json", body.to_string()).await
    }

    /// Sends a body of some kind to the API.
    pub(crate) async fn post_as(
        &self,
        path: &str,
        token: &str,
        kind: &str,
        body: String,
    ) -> (u16, serde_json::Value) {
        let request = test_kit::http_client()
            .post(format!("http://{}{path}", self.address))
            .header("authorization", format!("ApiToken {token}"))
            .header("content-type", kind)
            .body(body);
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.expect("JSON"))
    }

    /// In how many tables a word stands, in any column, as text or as bytes.
    pub(crate) async fn tables_with(&self, word: &str) -> i64 {
        self.count(&format!(
            "SELECT count(*) AS count FROM pg_class, query_to_xml(format(
                $$SELECT count(*) AS found FROM public.%I AS one
                WHERE one::text LIKE '%%{word}%%' OR one::text LIKE '%%' || encode('{word}', 'hex') || '%%'$$,
                relname), false, true, '') AS answer
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
                AND (xpath('/row/found/text()', answer))[1]::text <> '0'"
        ))
        .await
    }

    /// Runs one of the service's own commands, as its command line reads it.
    pub(crate) async fn command<const N: usize>(&self, words: [&str; N]) -> anyhow::Result<()> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(subcommand)]
            command: attribution::Command,
        }
        let words = std::iter::once("attribution").chain(words);
        let line = <Line as clap::Parser>::try_parse_from(words)?;
        let settings = settings(&self.database, &self.bus_settings);
        Attribution::command(line.command, settings, Runtime::new()).await
    }

    /// Stops everything in order.
    pub(crate) async fn strike(self) {
        for runtime in &self.runtimes {
            runtime.supervisor.drain(SOON).await.expect("work ends");
        }
    }
}

async fn migrate(settings: DatabaseSettings) -> Result<(), postgres_kit::MigrateError> {
    postgres_kit::migrate(&settings, MIGRATIONS, Grants::default()).await
}

fn settings(database: &TestDatabase, bus: &BusSettings) -> Settings {
    Settings {
        http: HttpSettings { listen: free_port(), ..HttpSettings::default() },
        admin: AdminSettings { listen: free_port() },
        auth: AuthSettings { token_pepper: SecretString::from(PEPPER), cache_ms: 0 },
        bus: bus.clone(),
        database: DatabaseSettings { pool_size: 8, ..database.settings() },
        clicks: ClickSettings { keys: SecretString::from(KEYS) },
        judging: JudgingSettings {
            sweep_period_ms: 50,
            step_journeys: 3,
            quiet_seconds: 0,
            partition_days: 14,
            inbox_days: 40,
            retry_parked_seconds: 1,
        },
        alarms: AlarmSettings { period_ms: 100 },
        retention: RetentionSettings { raw_days: 92, decision_days: 400 },
        telemetry: TelemetrySettings::default(),
        stop: StopSettings::default(),
    }
}

/// The verdict inside of any of the four facts.
pub(crate) fn verdict(item: &Envelope) -> ConversionVerdict {
    let whole = match item.fact.as_str() {
        ConversionQualified::NAME => open::<ConversionQualified>(item).expect("a fact").verdict,
        ConversionAmended::NAME => open::<ConversionAmended>(item).expect("a fact").verdict,
        ConversionVetoed::NAME => open::<ConversionVetoed>(item).expect("a fact").verdict,
        ConversionReviewRequested::NAME => open::<ConversionReviewRequested>(item).expect("a fact").verdict,
        other => panic!("{other} is no fact of attribution"),
    };
    whole.expect("a verdict")
}

/// Leaves a journey's postbacks as a later release might have.
pub(crate) fn unreadable(tenant: &Tenant, click: u8) -> String {
    let click = tenant.click_id(click);
    format!("UPDATE journey_postbacks SET code = 'OF_A_LATER_RELEASE' WHERE click_id = '{click}'")
}
