//! The service, started as in production but for its ports, with a listener for what it says.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bus::{BatchHandler, Bus, BusSettings, HandleError, Queue, Route, SpoolSettings, Topology};
use contracts::{
    Fact,
    catalog::{OfferChanged, OfferStatus, OfferVersionCreated, TenantChanged},
    envelope::Envelope,
    open,
    payout::BudgetStateChanged,
    tracker::{ClickRecorded, ClickRefused, RefusalReason},
};
use http_kit::{HttpSettings, admin::AdminSettings};
use postgres_kit::{DatabaseSettings, Grants};
use process::{Runtime, Service as _, StopSettings};
use reqwest::{Method, StatusCode, header::HeaderMap};
use secrecy::SecretString;
use telemetry::TelemetrySettings;
use test_kit::{Namespace, TestDatabase, eventually, free_port, http_client};
use tracker::{ClickSettings, CountrySettings, DoorSettings, MIGRATIONS, OfferSettings, Settings, Tracker};

use crate::facts::{KEYS, Offer, sealed, tenant};

/// Everything here happens within this, on a busy machine too.
pub(crate) const SOON: Duration = Duration::from_mins(1);

/// A header of the proxy that the tests are.
pub(crate) const COUNTRY: &str = "x-country";
/// The same for the address.
pub(crate) const ADDRESS: &str = "x-address";

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

/// What came back.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answered {
    pub(crate) fn location(&self) -> Option<&str> {
        self.headers.get("location").map(|place| place.to_str().expect("text"))
    }

    /// The click id in a redirect to AppsFlyer.
    pub(crate) fn click(&self) -> String {
        let place = self.location().unwrap_or_else(|| panic!("no redirect: {self:?}"));
        let place = url::Url::parse(place).expect("a URL");
        let click = place.query_pairs().find(|(name, _value)| name == "clickid");
        click.expect("a click id").1.into_owned()
    }
}

/// One running service, its database, its files and its part of the broker.
pub(crate) struct Stage {
    // Dropped in this order: what is connected before what it is connected to.
    runtimes: Vec<Runtime>,
    bus: Bus,
    ear: Ear,
    pub(crate) address: SocketAddr,
    database: TestDatabase,
    folder: tempfile::TempDir,
    bus_settings: BusSettings,
    namespace: Namespace,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let database = test_kit::database("tracker", migrate).await;
        let namespace = test_kit::namespace();
        let bus_settings = BusSettings::new(namespace.amqp_url(), namespace.name());
        let ours = Runtime::new();
        let topology = Topology::house().queue(Queue::shared("test.clicks").bind("tracker.events", "#"));
        let bus = Bus::start(&bus_settings, "test", topology, &ours.supervisor);
        let ear = Ear::default();
        bus.consume("test.clicks", ear.clone()).expect("a queue");
        eventually("the listener is connected", SOON, async || bus.is_connected() && bus.is_writable()).await;
        let mut stage = Self {
            runtimes: vec![ours],
            bus,
            ear,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            database,
            folder: tempfile::tempdir().expect("a folder"),
            bus_settings,
            namespace,
        };
        stage.country_file(&crate::countries::file());
        stage.start(stage.database.settings()).await;
        stage
    }

    /// A stage with one offer that takes clicks.
    pub(crate) async fn with(version: OfferVersionCreated) -> Self {
        let stage = Self::set().await;
        stage.share(Offer(2), version).await;
        stage
    }

    /// Starts one more of the service, on this database; clicks go to it from now on.
    pub(crate) async fn start(&mut self, database: DatabaseSettings) {
        self.start_unready(database).await;
        let readiness = self.runtimes.last().expect("it was started").readiness.clone();
        eventually("the tracker is ready", SOON, async || {
            if readiness.is_ready() { Ok(()) } else { Err(readiness.explain()) }
        })
        .await;
    }

    /// The same for one that has no reason to become ready.
    pub(crate) async fn start_unready(&mut self, database: DatabaseSettings) {
        let runtime = Runtime::new();
        let settings = self.settings(database);
        self.address = settings.http.listen;
        Tracker::serve(settings, runtime.clone()).await.expect("a start");
        self.runtimes.push(runtime);
    }

    /// How the service reaches its database.
    pub(crate) fn database_settings(&self) -> DatabaseSettings {
        self.database.settings()
    }

    /// The status of a call that nothing can be said of; such an answer is nobody's to keep, either.
    pub(crate) async fn call_unstored(&self, method: Method, offer: Offer, query: &str) -> StatusCode {
        let url = format!("http://{}/api/v1/offer-link/redirect/{}?{query}", self.address, offer.link());
        http_client().request(method, url).send().await.expect("an answer").status()
    }

    fn settings(&self, database: DatabaseSettings) -> Settings {
        Settings {
            http: HttpSettings { listen: free_port(), workers: 1, ..HttpSettings::default() },
            admin: AdminSettings { listen: free_port() },
            bus: self.bus_settings.clone(),
            spool: SpoolSettings::default(),
            database: DatabaseSettings { pool_size: 2, ..database },
            door: DoorSettings { retry_after_seconds: 5, caller_ip_header: String::from(ADDRESS) },
            clicks: ClickSettings { keys: SecretString::from(KEYS) },
            offers: OfferSettings { file: self.offer_file(), save_after_ms: 0 },
            country: CountrySettings {
                header: String::from(COUNTRY),
                file: self.folder.path().join("countries.mmdb"),
                look_again_ms: 5,
            },
            telemetry: TelemetrySettings::default(),
            stop: StopSettings::default(),
        }
    }

    /// Where the service keeps its offers.
    pub(crate) fn offer_file(&self) -> PathBuf {
        self.folder.path().join("offers")
    }

    /// Puts a file of countries in the place of the one before, as `geoipupdate` does: written beside it, then renamed.
    pub(crate) fn country_file(&self, bytes: &[u8]) {
        let beside = self.folder.path().join("countries.mmdb.new");
        std::fs::write(&beside, bytes).expect("a file");
        std::fs::rename(beside, self.folder.path().join("countries.mmdb")).expect("a name");
    }

    /// Takes the file of countries away.
    pub(crate) fn remove_country_file(&self) {
        std::fs::remove_file(self.folder.path().join("countries.mmdb")).expect("a file");
    }

    /// The tenant, and an offer that is shared and ready; known to the service when this returns.
    pub(crate) async fn share(&self, offer: Offer, version: OfferVersionCreated) {
        let facts = [tenant(), sealed(&version), offer.changed(1, OfferStatus::Ready)];
        self.say(facts).await;
        eventually("the offer is known", SOON, async || {
            let answered = self.call(Method::HEAD, offer, "", &[]).await;
            // One that takes no clicks shows nothing; then the fact of the click tells.
            if answered.status == StatusCode::OK { Ok(()) } else { Err(answered) }
        })
        .await;
    }

    /// Says facts, each to where its readers listen.
    pub(crate) async fn say(&self, items: impl IntoIterator<Item = Envelope>) {
        for item in items {
            let route = match item.fact.as_str() {
                name if name == TenantChanged::NAME => Route::of::<TenantChanged>(),
                name if name == OfferVersionCreated::NAME => Route::of::<OfferVersionCreated>(),
                name if name == OfferChanged::NAME => Route::of::<OfferChanged>(),
                name if name == BudgetStateChanged::NAME => Route::of::<BudgetStateChanged>(),
                other => panic!("{other} is no fact of these tests"),
            };
            self.bus.publisher().publish_all::<Envelope>(vec![(route, item)]).await.expect("a confirm");
        }
    }

    /// Follows an offer's link; no query: a complete one.
    pub(crate) async fn follow(&self, offer: Offer, query: &str, headers: &[(&str, &str)]) -> Answered {
        self.call(Method::GET, offer, query, headers).await
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        offer: Offer,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Answered {
        self.call_link(method, &offer.link().to_string(), query, headers).await
    }

    pub(crate) async fn call_link(
        &self,
        method: Method,
        link: &str,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Answered {
        let url = format!("http://{}/api/v1/offer-link/redirect/{link}?{query}", self.address);
        let mut request = http_client().request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        assert_eq!(headers.get("cache-control").expect("a header"), "no-store");
        Answered { status, headers, body: answer.text().await.expect("text") }
    }

    fn heard<F: Fact>(&self) -> Vec<F> {
        let heard = self.ear.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().filter(|item| item.fact == F::NAME).map(|item| open(item).expect("a fact")).collect()
    }

    /// Waits until so many clicks were recorded.
    pub(crate) async fn recorded(&self, count: usize) -> Vec<ClickRecorded> {
        eventually("clicks are recorded", SOON, async || {
            let heard = self.heard();
            if heard.len() >= count { Ok(heard) } else { Err(heard.len()) }
        })
        .await
    }

    /// Waits until so many clicks were refused.
    pub(crate) async fn refused(&self, count: usize) -> Vec<ClickRefused> {
        eventually("clicks are refused", SOON, async || {
            let heard = self.heard();
            if heard.len() >= count { Ok(heard) } else { Err(heard.len()) }
        })
        .await
    }

    /// Follows the link until it is refused for this reason: a fact about the offer is on its way.
    pub(crate) async fn refused_for(&self, offer: Offer, reason: RefusalReason) -> Answered {
        eventually(&format!("{reason:?}"), SOON, async || {
            let answered = self.follow(offer, "pub_click_id=wait&pub_member_id=wait", &[]).await;
            let last: Option<ClickRefused> = self.heard().pop();
            let is_taken = answered.location().is_some_and(|place| place.contains("app.appsflyer.com"));
            let is_it = !is_taken && last.is_some_and(|fact| fact.reason() == reason);
            if is_it { Ok(answered) } else { Err(answered) }
        })
        .await
    }

    /// Follows the link until it leads to the advertiser.
    pub(crate) async fn taken_again(&self, offer: Offer) {
        eventually("the offer takes clicks", SOON, async || {
            let answered = self.follow(offer, "pub_click_id=wait&pub_member_id=wait", &[]).await;
            let is_there = answered.location().is_some_and(|place| place.contains("app.appsflyer.com"));
            if is_there { Ok(()) } else { Err(answered) }
        })
        .await;
    }

    /// Stops the service; the rest of the stage stays.
    pub(crate) async fn stop(&mut self) {
        for runtime in self.runtimes.drain(1..) {
            runtime.supervisor.drain(SOON).await.expect("work ends");
        }
    }

    /// Stops everything in order.
    pub(crate) async fn strike(mut self) {
        self.stop().await;
        for runtime in &self.runtimes {
            runtime.supervisor.drain(SOON).await.expect("work ends");
        }
        // Named here, so that it is plain that it goes last.
        drop(self.namespace);
    }
}

async fn migrate(settings: DatabaseSettings) -> Result<(), postgres_kit::MigrateError> {
    postgres_kit::migrate(&settings, MIGRATIONS, Grants::default()).await
}
