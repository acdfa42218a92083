//! offer-catalog dies in the middle of an import, at each of its steps: every offer has its effect once, its result says so, and
//! the same call again finishes what is left.

use std::{collections::BTreeSet, os::unix::process::ExitStatusExt as _, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{
    ServiceName, Stack, StackOptions,
    api::{Api, text},
    catalog::Tenant,
    truth::Truth,
};
use test_kit::eventually;

use crate::scene::heal;

/// One core, many neighbours.
const SOON: Duration = Duration::from_secs(120);
/// What `abort` ends a process with.
const SIGABRT: i32 = 6;
/// Rows are stored in batches of 200 while they come in: two batches.
const ROWS: usize = 250;
const IMPORT: &str = "/api/v1/integrations/offer-providers/custom/offers";
/// Rows that have an end, but no effect or two of them: as the tables say, not the API.
const BROKEN_ROWS: &str = "SELECT count(*) FROM offer_import_rows AS done
    WHERE outcome = 'Created' AND (
        SELECT count(*) FROM offer_versions AS made WHERE made.offer_id = done.offer_id
    ) <> 1";

struct Scene {
    stack: Stack,
    truth: Truth,
    tenant: Tenant,
    advertiser: String,
}

impl Scene {
    async fn set() -> Self {
        heal();
        let options = StackOptions::new().set(ServiceName::OfferCatalog, "IMPORT__POLL_MS", "50");
        let mut stack = Stack::prepare(options).await;
        for service in [ServiceName::OfferCatalog, ServiceName::Tracker] {
            stack.service(service).start().await;
        }
        let tenant = Tenant::create(stack.endpoints(), "Brownboots").await.unwrap();
        let advertiser = tenant.advertiser("Golfin").await.unwrap();
        let truth = Truth::of(&stack).await;
        Self { stack, truth, tenant, advertiser }
    }

    /// Offers of a provider.
    fn call(&self, provider: &str, operation: &str, rows: usize) -> Value {
        let offer = |number: usize| {
            json!({
                "externalId": format!("{provider}-{number}"), "name": format!("Golfin {number}"),
                "offerType": "MultiEvent", "trackingSystem": "AppsFlyer", "advertiserId": self.advertiser,
                "trackingSystemLink": "https://app.appsflyer.com/id123456789?pid=gokart_int",
                "headline": "Play golf, earn coins", "shortDescription": "Install Golfin and reach level 10.",
                "categories": ["Golf"], "budget": {"total": "5000.00"}, "currency": "USD", "launchDate": "2026-01-01",
                "ageRanges": ["18+"], "platforms": ["IOS"], "countries": ["US"],
                "events": [{"eventId": "Install", "name": "Install", "sequenceNumber": 1, "pendingTime": 0,
                    "revenue": "2.00", "payout": "1.00"}],
            })
        };
        json!({
            "concurrencyRequestId": format!("{provider} {operation}"), "operation": operation, "provider": provider,
            "acceptedWarnings": ["no_creative", "launch_in_past"],
            "offers": (0..rows).map(offer).collect::<Vec<_>>(),
        })
    }

    /// Starts the catalog so that it will die at `failpoint`, sends, and waits until it is dead. Whether the call was answered.
    async fn dies_at(&mut self, failpoint: &str, call: &Value) -> bool {
        let catalog = self.stack.service(ServiceName::OfferCatalog);
        assert_eq!(catalog.stop().await.code(), Some(0));
        catalog.start_with(failpoint).await;
        let answer = self.tenant.api.try_call(Method::POST, IMPORT, Some(call)).await;
        let catalog = self.stack.service(ServiceName::OfferCatalog);
        let end = eventually(&format!("it dies at {failpoint}"), SOON, async || catalog.ended()).await;
        assert_eq!(end.signal(), Some(SIGABRT), "{}", catalog.log_end());
        catalog.forget();
        assert_eq!(self.truth.of_catalog(BROKEN_ROWS).await, 0, "a row has a result and no effect, or two");
        answer.is_ok()
    }

    async fn restart(&mut self) {
        self.stack.service(ServiceName::OfferCatalog).start().await;
    }

    /// Rows with a result, and offers of a provider: what was applied so far.
    async fn applied(&self, provider: &str) -> (i64, i64) {
        let rows = format!(
            "SELECT count(*) FROM offer_import_rows JOIN offer_imports USING (tenant_id, import_id)
            WHERE provider = '{provider}' AND outcome IS NOT NULL"
        );
        let offers = format!("SELECT count(*) FROM provider_offers WHERE provider = '{provider}'");
        (self.truth.of_catalog(&rows).await, self.truth.of_catalog(&offers).await)
    }

    async fn paused(&self) -> i64 {
        self.truth.of_catalog("SELECT count(*) FROM offers WHERE status = 'Paused'").await
    }

    async fn audited(&self, action: &str) -> i64 {
        let entries = format!("SELECT count(*) FROM audit_log WHERE action = '{action}'");
        self.truth.of_catalog(&entries).await
    }
}

/// Sends a call and waits for the end of its import.
async fn done(api: &Api, call: &Value) -> Value {
    let import = api.post(IMPORT, call).await.unwrap();
    let path = path_of(&import);
    eventually("the import is done", SOON, async || {
        let now = api.get(&path).await.map_err(|error| format!("{error:#}"))?;
        if now["finishedAt"].is_null() { Err(now.to_string()) } else { Ok(now) }
    })
    .await
}

fn path_of(import: &Value) -> String {
    format!("/api/v1/integrations/offer-providers/custom/imports/{}", text(import, "/importId").unwrap())
}

/// Every row of a finished import created an offer of its own; answers which.
async fn created_by(api: &Api, import: &Value, rows: usize) -> BTreeSet<String> {
    assert_eq!(import["state"], "Succeeded", "{import}");
    let mut offers = BTreeSet::new();
    for page in 1..=rows.div_ceil(100) {
        let path = format!("{}/results?page_size=100&page={page}", path_of(import));
        for row in api.get(&path).await.unwrap()["items"].as_array().unwrap() {
            assert_eq!(row["outcome"], "Created", "{row}");
            offers.insert(text(row, "/offerId").unwrap().to_owned());
        }
    }
    assert_eq!(offers.len(), rows);
    offers
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_each_step_of_an_import_every_offer_is_made_once() {
    let mut scene = Scene::set().await;
    let api = scene.tenant.api.clone();

    // While rows come in: nobody was told anything, and nothing is done. The same call again is a new import.
    let call = scene.call("cut", "Synchronize", ROWS);
    assert!(!scene.dies_at("offer_catalog::import_stored=1*off->return", &call).await);
    assert_eq!(scene.applied("cut").await, (0, 0));
    let stored = scene.truth.of_catalog("SELECT count(*) FROM offer_import_rows").await;
    assert_eq!(usize::try_from(stored).unwrap(), ROWS, "it died before the last batch was stored");
    scene.restart().await;
    created_by(&api, &done(&api, &call).await, ROWS).await;
    assert_eq!(
        scene.truth.of_catalog("SELECT count(*) FROM offer_imports WHERE state <> 'Receiving'").await,
        1
    );

    // Taken in as a whole, and the caller heard nothing: it goes on by itself, and the same call again is the same import.
    let call = scene.call("untold", "Insert", ROWS);
    assert!(!scene.dies_at("offer_catalog::import_accepted=return", &call).await);
    scene.restart().await;
    let (status, _known) = api.try_call(Method::POST, IMPORT, Some(&call)).await.unwrap();
    assert_eq!(status.as_u16(), 200, "it is known");
    created_by(&api, &done(&api, &call).await, ROWS).await;

    // In the middle of the rows, one of which had its effect and was not committed.
    let call = scene.call("rows", "Insert", ROWS);
    scene.dies_at("offer_catalog::import_row=60*off->return", &call).await;
    let (rows, offers) = scene.applied("rows").await;
    assert_eq!(rows, offers, "what has a result has its effect");
    assert!((50..=60).contains(&rows), "it died after {rows} rows and not at the sixtieth");
    scene.restart().await;
    created_by(&api, &done(&api, &call).await, ROWS).await;

    // While absent offers are paused, after every row has succeeded.
    let call = scene.call("cut", "Synchronize", 1);
    let call = with_id(call, "cut again");
    scene.dies_at("offer_catalog::import_pausing=40*off->return", &call).await;
    let paused = scene.paused().await;
    // Two tasks look at the same absent offers, so the fortieth look is not the fortieth pause.
    assert!((1..=40).contains(&paused), "it died after {paused} pauses");
    scene.restart().await;
    let last = done(&api, &call).await;
    assert_eq!((&last["state"], &last["counts"]["unchanged"]), (&json!("Succeeded"), &json!(1)));
    assert_eq!(last["paused"], ROWS - 1);

    let all = i64::try_from(3 * ROWS).unwrap();
    let absent = i64::try_from(ROWS - 1).unwrap();
    assert_eq!(scene.truth.of_catalog("SELECT count(*) FROM offers").await, all);
    assert_eq!(scene.truth.of_catalog("SELECT count(*) FROM offer_versions").await, all);
    assert_eq!((scene.audited("offer.created").await, scene.audited("offers.imported").await), (all, 4));
    assert_eq!((scene.paused().await, scene.audited("offer.paused").await), (absent, absent));
    assert_eq!(scene.truth.of_catalog(BROKEN_ROWS).await, 0);
    eventually("tracker has heard of every offer", SOON, async || {
        let known = scene.truth.offers_of_tracker().await;
        if known == all { Ok(()) } else { Err(known) }
    })
    .await;
}

fn with_id(mut call: Value, id: &str) -> Value {
    call["concurrencyRequestId"] = json!(id);
    call
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_killed_in_the_middle_of_an_import_leaves_the_rest_to_the_other() {
    let mut scene = Scene::set().await;
    let call = scene.call("acme", "Insert", ROWS);
    let mut other = scene.stack.service(ServiceName::OfferCatalog).replica();
    other.start().await;
    let there = Api::new(&other.url(), &scene.tenant.token);

    // Both work on it, and both claim rows all the while.
    let import = scene.tenant.api.post(IMPORT, &call).await.unwrap();
    eventually("some rows are done", SOON, async || {
        let (rows, _offers) = scene.applied("acme").await;
        if rows > 20 { Ok(()) } else { Err(rows) }
    })
    .await;
    scene.stack.service(ServiceName::OfferCatalog).kill();
    let (rows, _offers) = scene.applied("acme").await;
    assert!(usize::try_from(rows).unwrap() < ROWS, "the import was over before the kill");

    // Whoever sent it asks again, elsewhere, and hears of the same import.
    let finished = done(&there, &call).await;
    assert_eq!(finished["importId"], import["importId"]);
    created_by(&there, &finished, ROWS).await;
    let all = i64::try_from(ROWS).unwrap();
    assert_eq!(scene.applied("acme").await, (all, all));
    assert_eq!(scene.truth.of_catalog("SELECT count(*) FROM offer_versions").await, all);
    assert_eq!(scene.truth.of_catalog(BROKEN_ROWS).await, 0);
    assert_eq!(scene.audited("offers.imported").await, 1);
    assert_eq!(other.stop().await.code(), Some(0));
}
