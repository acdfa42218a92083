//! Budgets: what payout says of them over a real broker, and what people and publishers see of it.

use std::time::Duration;

use bus::{Bus, BusSettings, Route, Topology};
use contracts::{
    Fact, Stamp,
    envelope::Envelope,
    payout::{BudgetState, BudgetStateChanged},
    seal,
};
use diesel::{QueryableByName, sql_query, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use kernel::{FactId, OfferId, TenantId, Timestamp};
use process::Runtime;
use serde_json::{Value, json};
use test_kit::{Namespace, eventually, namespace};
use uuid::Uuid;

use crate::catalog::{Catalog, golfin, text};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const FEED: &str = "/sdk-offer-management/partner";

/// payout, as far as the catalog hears it, beside a running catalog with a publisher.
pub(crate) struct Scene {
    pub(crate) catalog: Catalog,
    mouth: Runtime,
    pub(crate) bus: Bus,
    pub(crate) owner: String,
    pub(crate) tenant: TenantId,
    pub(crate) advertiser: String,
    publisher: String,
    partner: String,
    pub(crate) namespace: Namespace,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        let namespace = namespace();
        let catalog = Catalog::start_with(&[
            ("BUS__URL", namespace.amqp_url().to_owned()),
            ("BUS__NAMESPACE", namespace.name().to_owned()),
        ])
        .await;
        let mouth = Runtime::new();
        let settings = BusSettings::new(namespace.amqp_url(), namespace.name());
        let bus = Bus::start(&settings, "test", Topology::house(), &mouth.supervisor);
        bus.wait_connected().await;
        let owner = catalog.tenant("Brownboots").await;
        let tenant = text(&catalog.get("/tenants/me", &owner).await.ok(), "/tenantId");
        let advertiser = catalog.advertiser(&owner).await;
        let publisher = catalog.publisher(&owner).await;
        let body = json!({"role": "publisher", "publisherId": publisher});
        let partner = text(&catalog.post("/tokens", &owner, body).await.ok(), "/apiToken");
        let tenant = TenantId::from_uuid(tenant.parse().unwrap());
        Self { catalog, mouth, bus, owner, tenant, advertiser, publisher, partner, namespace }
    }

    pub(crate) async fn draft(&self, changes: Value) -> String {
        let mut body = golfin(&self.advertiser);
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        text(&self.catalog.post("/offers", &self.owner, body).await.ok(), "/offerId")
    }

    async fn created(&self, changes: Value) -> String {
        let id = self.draft(changes).await;
        self.act(&id, "create", json!({"acceptedWarnings": ["launch_in_past", "no_creative"]})).await;
        id
    }

    async fn shared(&self, changes: Value) -> String {
        let id = self.created(changes).await;
        self.act(&id, "share", json!({"publisherId": self.publisher})).await;
        id
    }

    /// An offer that takes clicks.
    pub(crate) async fn live(&self) -> String {
        self.shared(json!({"launchDate": "2020-01-01"})).await
    }

    pub(crate) async fn act(&self, id: &str, action: &str, body: Value) {
        self.catalog.post(&format!("/offers/{id}/{action}"), &self.owner, body).await.ok();
    }

    /// What payout would tell; the last member is when a daily budget resumes.
    fn state(
        &self,
        offer: &str,
        version: u64,
        state: BudgetState,
        resumes: Option<i64>,
    ) -> BudgetStateChanged {
        BudgetStateChanged {
            tenant_id: self.tenant.to_vec(),
            offer_id: OfferId::from_uuid(offer.parse().unwrap()).to_vec(),
            version,
            state: state.into(),
            resumes_at_micros: resumes,
            ..BudgetStateChanged::default()
        }
    }

    pub(crate) fn sealed<F: Fact>(&self, fact: &F) -> Envelope {
        let stamp = Stamp {
            fact_id: FactId::from_uuid(kernel::IdSource::uuid_v7(&*self.mouth.ids)),
            tenant: Some(self.tenant),
            recorded_at: self.now(),
            traceparent: String::new(),
            tracestate: String::new(),
        };
        seal(stamp, fact)
    }

    fn now(&self) -> Timestamp {
        self.mouth.clock.now()
    }

    fn in_seconds(&self, seconds: i64) -> i64 {
        self.now().saturating_add_seconds(seconds).as_micros()
    }

    async fn tell(&self, facts: impl IntoIterator<Item = BudgetStateChanged>) {
        self.tell_sealed(facts.into_iter().map(|fact| self.sealed(&fact)).collect()).await;
    }

    async fn tell_sealed(&self, facts: Vec<Envelope>) {
        self.publish(&Route::of::<BudgetStateChanged>(), facts).await;
    }

    pub(crate) async fn publish(&self, route: &Route, facts: Vec<Envelope>) {
        let facts = facts.into_iter().map(|fact| (route.clone(), fact)).collect();
        self.bus.publisher().publish_all(facts).await.unwrap();
    }

    pub(crate) async fn offer(&self, id: &str) -> Value {
        self.catalog.get(&format!("/offers/{id}"), &self.owner).await.ok()
    }

    async fn becomes(&self, id: &str, status: &str) -> Value {
        eventually(&format!("the offer is {status}"), PATIENCE, async || {
            let offer = self.offer(id).await;
            if offer["displayStatus"] == status { Ok(offer) } else { Err(offer["displayStatus"].clone()) }
        })
        .await
    }

    async fn feed(&self, query: &str) -> Value {
        self.catalog.get(&format!("{FEED}{query}"), &self.partner).await.ok()
    }

    async fn feed_version(&self) -> String {
        text(&self.feed("").await, "/feedVersion")
    }

    /// What the feed says that changed since a version of it: offers and their statuses.
    async fn news(&self, since: &str) -> Vec<(String, String)> {
        let page = self.feed(&format!("?changedSince={since}")).await;
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| (text(item, "/offerId"), text(item, "/status"))).collect()
    }

    async fn listed(&self, query: &str) -> (Vec<String>, u64) {
        let page = self.catalog.get(&format!("/offers?{query}"), &self.owner).await.ok();
        let ids = page["items"].as_array().unwrap().iter().map(|item| text(item, "/offerId")).collect();
        (ids, page["total"].as_u64().unwrap())
    }

    pub(crate) async fn count(&self, what: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let mut admin = self.catalog.database.admin().await;
        let row: Row =
            sql_query(format!("SELECT count(*) AS count FROM {what}")).get_result(&mut admin).await.unwrap();
        row.count
    }

    pub(crate) async fn stop(self) {
        self.catalog.runtime.supervisor.drain(PATIENCE).await.unwrap();
        self.mouth.supervisor.drain(PATIENCE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_shows_until_there_is_money_again() {
    let scene = Scene::start().await;
    let (golfin, other) = (scene.live().await, scene.live().await);
    assert_eq!(scene.offer(&golfin).await["displayStatus"], "Live");
    let before = scene.feed_version().await;

    let spent = scene.sealed(&scene.state(&golfin, 5, BudgetState::Spent, None));
    scene.tell_sealed(vec![spent.clone()]).await;
    let shown = scene.becomes(&golfin, "BudgetSpent").await;
    assert_eq!((&shown["status"], &shown["budgetResumesAt"]), (&json!("Ready"), &Value::Null));
    assert_eq!(scene.listed("displayStatus=BudgetSpent").await, (vec![golfin.clone()], 1));
    assert_eq!(scene.listed("displayStatus=Live").await, (vec![other.clone()], 1));
    assert_eq!(scene.news(&before).await, [(golfin.clone(), "Paused".to_owned())]);

    // An older state, the same one again as a redelivery, and again in another fact: nothing changes. The other offer's shows
    // that they were taken.
    let stopped = scene.feed_version().await;
    scene
        .tell_sealed(vec![
            scene.sealed(&scene.state(&golfin, 4, BudgetState::Open, None)),
            spent.clone(),
            scene.sealed(&scene.state(&golfin, 5, BudgetState::Spent, None)),
            spent,
        ])
        .await;
    scene.tell([scene.state(&other, 1, BudgetState::Spent, None)]).await;
    scene.becomes(&other, "BudgetSpent").await;
    assert_eq!(scene.offer(&golfin).await["displayStatus"], "BudgetSpent");
    assert_eq!(scene.news(&stopped).await, [(other.clone(), "Paused".to_owned())]);

    // Two states in one batch, the newer one first.
    let paused = scene.feed_version().await;
    scene
        .tell([
            scene.state(&golfin, 7, BudgetState::Open, None),
            scene.state(&golfin, 6, BudgetState::Spent, None),
        ])
        .await;
    scene.becomes(&golfin, "Live").await;
    assert_eq!(scene.news(&paused).await, [(golfin.clone(), "Live".to_owned())]);
    assert_eq!(scene.count("dead_items").await, 0);

    // People and dates come first.
    scene.act(&other, "pause", json!({})).await;
    assert_eq!(scene.offer(&other).await["displayStatus"], "Paused");
    scene.act(&other, "resume", json!({})).await;
    assert_eq!(scene.offer(&other).await["displayStatus"], "BudgetSpent");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daily_budget_resumes_by_itself_and_is_told_once() {
    let scene = Scene::start().await;
    let (golfin, other) = (scene.live().await, scene.live().await);
    let midnight = scene.in_seconds(3_600);
    scene.tell([scene.state(&golfin, 1, BudgetState::Spent, Some(midnight))]).await;
    let shown = scene.becomes(&golfin, "BudgetSpent").await;
    assert!(shown["budgetResumesAt"].is_string(), "{shown}");
    let stopped = scene.feed_version().await;
    assert_eq!(scene.news(&stopped).await, []);

    // Midnight is now; nobody says another word.
    scene.tell([scene.state(&golfin, 2, BudgetState::Spent, Some(scene.in_seconds(2)))]).await;
    let shown = scene.becomes(&golfin, "Live").await;
    assert_eq!(shown["budgetResumesAt"], Value::Null);
    assert_eq!(scene.listed("displayStatus=Live").await.1, 2);
    assert_eq!(scene.news(&stopped).await, [(golfin.clone(), "Live".to_owned())]);
    let resumed = scene.feed_version().await;
    let seen = scene.feed(&format!("/{golfin}")).await;

    // When payout says so as well, the publisher has heard it already, and the feed does not move back.
    scene.tell([scene.state(&golfin, 3, BudgetState::Open, None)]).await;
    scene.tell([scene.state(&other, 1, BudgetState::Open, None)]).await;
    eventually("payout's word is taken", PATIENCE, async || {
        let open = scene.count("offer_budgets WHERE NOT is_spent").await;
        if open == 2 { Ok(()) } else { Err(open) }
    })
    .await;
    assert_eq!(scene.feed_version().await, resumed);
    assert_eq!(scene.feed(&format!("/{golfin}")).await, seen);

    // Spent again the next day.
    scene.tell([scene.state(&golfin, 4, BudgetState::Spent, Some(scene.in_seconds(3_600)))]).await;
    scene.becomes(&golfin, "BudgetSpent").await;
    assert_eq!(scene.news(&resumed).await, [(golfin.clone(), "Paused".to_owned())]);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_early_is_kept_and_what_is_wrong_is_buried_alone() {
    let scene = Scene::start().await;
    // Of an offer that is not here, and of one that nobody has yet.
    let nobody = Uuid::from_u128(7).to_string();
    let created = scene.created(json!({"launchDate": "2020-01-01"})).await;
    let good = scene.state(&created, 1, BudgetState::Spent, Some(scene.in_seconds(3_600)));
    let bad = [
        BudgetStateChanged { state: BudgetState::Unspecified.into(), ..good.clone() },
        BudgetStateChanged { state: 9, ..good.clone() },
        BudgetStateChanged { version: 0, ..good.clone() },
        BudgetStateChanged { version: u64::MAX, ..good.clone() },
        BudgetStateChanged { offer_id: vec![1, 2, 3], ..good.clone() },
        BudgetStateChanged { tenant_id: Uuid::from_u128(8).as_bytes().to_vec(), ..good.clone() },
    ];
    let early = scene.state(&nobody, 3, BudgetState::Spent, None);
    scene.tell(bad.into_iter().chain([good, early])).await;
    eventually("the bad ones are buried, the others kept", PATIENCE, async || {
        let buried = scene.count("dead_items WHERE consumer = 'offer-catalog.budgets'").await;
        let kept = scene.count("offer_budgets").await;
        if (buried, kept) == (6, 2) { Ok(()) } else { Err((buried, kept)) }
    })
    .await;

    // Shared only now: spent from the beginning, and the feed knows when it resumes.
    assert_eq!(scene.offer(&created).await["displayStatus"], "Ready");
    scene.act(&created, "share", json!({"publisherId": scene.publisher})).await;
    assert_eq!(scene.offer(&created).await["displayStatus"], "BudgetSpent");
    assert_eq!(scene.feed("").await["items"][0]["status"], "Paused");
    assert_eq!(scene.count("partner_offers WHERE resumes_at IS NOT NULL").await, 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_are_found_by_the_status_that_people_see() {
    let scene = Scene::start().await;
    let draft = scene.draft(json!({})).await;
    let ready = scene.created(json!({"launchDate": "2020-01-01"})).await;
    let scheduled = scene.shared(json!({})).await;
    let (live, spent) = (scene.live().await, scene.live().await);
    let (paused, ended) = (scene.live().await, scene.live().await);
    let expired = scene.shared(json!({"launchDate": "2020-01-01", "expiryDate": "2020-02-01"})).await;
    scene.act(&paused, "pause", json!({})).await;
    scene.act(&ended, "end", json!({})).await;
    // A budget matters to the one that would be live.
    let budgets = [&ready, &scheduled, &spent, &paused, &ended, &expired];
    scene.tell(budgets.map(|offer| scene.state(offer, 1, BudgetState::Spent, None))).await;
    let past = scene.state(&live, 1, BudgetState::Spent, Some(scene.in_seconds(-1)));
    scene.tell([past]).await;
    eventually("all are told", PATIENCE, async || {
        let told = scene.count("offer_budgets").await;
        if told == 7 { Ok(()) } else { Err(told) }
    })
    .await;

    for (status, offer) in [
        ("Draft", draft),
        ("Ready", ready),
        ("Scheduled", scheduled),
        ("Live", live),
        ("BudgetSpent", spent),
        ("Paused", paused),
        ("Expired", expired),
        ("Ended", ended),
    ] {
        assert_eq!(scene.offer(&offer).await["displayStatus"], status);
        assert_eq!(scene.listed(&format!("displayStatus={status}")).await, (vec![offer], 1), "{status}");
    }
    assert_eq!(scene.listed("displayStatus=Live&sort=name&trackingSystem=Adjust").await, (vec![], 0));
    let wrong = scene.catalog.get("/offers?displayStatus=Nice", &scene.owner).await;
    assert_eq!(wrong.fields(400, "invalid_query"), ["displayStatus"]);
    scene.stop().await;
}
