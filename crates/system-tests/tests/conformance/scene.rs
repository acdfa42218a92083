//! Services with something in them, so that the calls find more than nothing.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use system_tests::{
    ServiceName, Stack, StackOptions,
    api::{Api, text},
    guide::{Guide, golfin_ios},
};
use test_kit::{FakePublisher, Postback, eventually, http_client};

use crate::schemathesis::{Ids, Run};

/// More than a run can call: 429 is documented, and a run of nothing else would show nothing.
const FEED_CALLS_PER_MINUTE: &str = "100000";

/// A picture of one pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// The guide's example, and one of each thing that has an id.
pub struct Scene {
    stack: Stack,
    guide: Guide,
    ids: Ids,
    /// Where the guide's publisher hears of conversions.
    _publisher: FakePublisher,
}

impl Scene {
    /// offer-catalog alone.
    pub async fn of_the_catalog() -> Self {
        let mut stack = Stack::prepare(options()).await;
        stack.service(ServiceName::OfferCatalog).start().await;
        let mut scene = Self::around(stack).await;
        scene.fill_the_catalog().await;
        scene
    }

    /// All services; a user clicked, and AppsFlyer told of it.
    pub async fn of_all_services() -> Self {
        let mut scene = Self::around(Stack::start_with(options()).await).await;
        let click = scene.guide.click("c-1", "m-1").await.unwrap();
        for postback in &Guide::postbacks(&click) {
            assert_eq!(scene.guide.apps_flyer().send(postback).await.status, 200);
        }
        let payout = scene.guide.payout();
        let paid = async || {
            let conversions = payout.get("/api/v1/conversions").await.map_err(|error| error.to_string())?;
            if conversions["total"] == 3 { Ok(conversions) } else { Err(conversions.to_string()) }
        };
        let conversions = eventually("the conversions are there", Duration::from_secs(30), paid).await;
        let paid = text(&conversions, "/items/0/conversionId").unwrap().to_owned();
        let on_review = scene.put_on_review().await;
        scene.ids.insert("path.id", vec![paid, on_review]);
        let told = async || {
            let page =
                payout.get("/api/v1/deliveries?state=delivered").await.map_err(|error| error.to_string())?;
            if page["total"] == 0 { Err(page.to_string()) } else { Ok(page) }
        };
        let deliveries = eventually("the publisher is told", Duration::from_secs(30), told).await;
        let delivery = text(&deliveries, "/items/0/deliveryId").unwrap().to_owned();
        let why = json!({"reason": "The publisher lost it."});
        let replay = payout.post(&format!("/api/v1/deliveries/{delivery}/replay"), &why).await.unwrap();
        scene.ids.insert("path.replay_id", vec![text(&replay, "/replayId").unwrap().to_owned()]);
        scene.ids.insert("path.delivery_id", vec![delivery]);
        let endpoint = text(&deliveries, "/items/0/endpointId").unwrap().to_owned();
        scene.ids.insert("path.endpoint_id", vec![endpoint]);
        let postbacks = scene.guide.attribution().get("/api/v1/postbacks").await.unwrap();
        scene.ids.insert("path.receipt", vec![text(&postbacks, "/items/0/receipt").unwrap().to_owned()]);
        scene.ids.insert("path.gk_click_id", vec![click]);
        scene
    }

    /// A second user's install is flagged, and then comes the next step: its conversion waits for a person.
    async fn put_on_review(&self) -> String {
        let click = self.guide.click("c-2", "m-2").await.unwrap();
        let flagged = Postback::install(&click).with("is_rejected", "true");
        for postback in [flagged, Postback::event(&click, "level_10")] {
            assert_eq!(self.guide.apps_flyer().send(&postback).await.status, 200);
        }
        let payout = self.guide.payout();
        let waits = async || {
            let path = "/api/v1/conversions?onReview=true&reasonCode=REVIEW_TAINTED";
            let page = payout.get(path).await.map_err(|error| error.to_string())?;
            if page["total"] == 1 { Ok(page) } else { Err(page.to_string()) }
        };
        let page = eventually("a conversion is on review", Duration::from_secs(30), waits).await;
        text(&page, "/items/0/conversionId").unwrap().to_owned()
    }

    async fn around(stack: Stack) -> Self {
        let publisher = FakePublisher::start();
        let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
        let ids = BTreeMap::from([
            ("path.offer_id", vec![guide.offer.clone(), guide.shared.offer_id.clone()]),
            ("path.publisher_id", vec![guide.publisher.id.clone()]),
            ("path.advertiser_id", vec![guide.advertiser.clone()]),
            ("path.credential_id", vec![guide.credential.id.clone()]),
        ]);
        Self { stack, guide, ids, _publisher: publisher }
    }

    async fn fill_the_catalog(&mut self) {
        let user = json!({"email": "ada@brownboots.example", "name": "Ada", "role": "manager"});
        self.made("path.user_id", "/users", &user, "/userId").await;
        // One to be revoked, for the run's own must stay.
        self.made("path.token_id", "/tokens", &json!({"role": "analyst"}), "/tokenId").await;
        let endpoint = json!({"offerId": self.guide.shared.offer_id, "method": "GET",
                              "urlTemplate": "https://rewardville.example/pb?id={conversion_id}"});
        let endpoints = format!("/publishers/{}/postbacks", self.guide.publisher.id);
        self.made("path.endpoint_id", &endpoints, &endpoint, "/endpointId").await;
        let in_a_month = chrono::Utc::now() + chrono::TimeDelta::days(30);
        let change = json!({"eventId": "Install", "field": "reward", "value": 5,
                            "at": in_a_month.format("%Y-%m-%dT%H:00:00Z").to_string()});
        let changes = format!("/offers/{}/scheduled-changes", self.guide.shared.offer_id);
        self.made("path.change_id", &changes, &change, "/changeId").await;
        let mut row = golfin_ios(&self.guide.advertiser, 0);
        row["externalId"] = json!("golfin");
        let import = json!({"concurrencyRequestId": "1", "operation": "Insert", "offers": [row]});
        self.made("path.import_id", "/integrations/offer-providers/custom/offers", &import, "/importId")
            .await;
        self.upload_a_picture().await;
    }

    async fn made(&mut self, parameter: &'static str, path: &str, body: &Value, pointer: &str) {
        let answer = self.guide.tenant.api.post(&format!("/api/v1{path}"), body).await.unwrap();
        self.ids.insert(parameter, vec![text(&answer, pointer).unwrap().to_owned()]);
    }

    async fn upload_a_picture(&mut self) {
        let url = format!("{}/api/v1/creatives?name=golfin.png", self.stack.endpoints().offer_catalog);
        let request = http_client().post(url).bearer_auth(&self.guide.tenant.token);
        let answer = request.body(BASE64_STANDARD.decode(PNG).unwrap()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 201);
        let creative: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        self.ids.insert("path.creative_id", vec![text(&creative, "/creativeId").unwrap().to_owned()]);
        let file = text(&creative, "/url").unwrap().rsplit_once('/').unwrap().1.to_owned();
        self.ids.insert("path.file", vec![file]);
    }

    /// The token of the tenant's owner.
    pub fn owner(&self) -> String {
        self.guide.tenant.token.clone()
    }

    /// A token of the publisher that an offer is shared with.
    pub async fn publisher(&self) -> String {
        let body = json!({"role": "publisher", "publisherId": self.guide.publisher.id});
        let issued = self.guide.tenant.api.post("/api/v1/tokens", &body).await.unwrap();
        text(&issued, "/apiToken").unwrap().to_owned()
    }

    /// Calls everything a service documents, as somebody.
    ///
    /// # Panics
    /// When it does not keep to its document.
    pub async fn conforms(&mut self, service: ServiceName, caller: &str, token: &str) {
        let endpoints = self.stack.endpoints().clone();
        let url = match service {
            ServiceName::OfferCatalog => &endpoints.offer_catalog,
            ServiceName::Tracker => &endpoints.tracker,
            ServiceName::Ingest => &endpoints.ingest,
            ServiceName::Attribution => &endpoints.attribution,
            ServiceName::Payout => &endpoints.payout,
        };
        let (printed, document) = self.stack.service(service).run("print-openapi");
        assert!(printed, "{document}");
        Run {
            name: format!("{} for {caller}", service.binary()),
            document: serde_json::from_str(&document).unwrap(),
            url,
            token,
            operator_token: &endpoints.operator_token,
            ids: &self.ids,
            folder: self.stack.folder(),
        }
        .pass();
        assert!(self.stack.service(service).is_ready().await);
        let catalog = Api::new(&endpoints.offer_catalog, &self.guide.tenant.token);
        catalog.get("/api/v1/tenants/me").await.expect("the run has not revoked its own token");
    }
}

fn options() -> StackOptions {
    StackOptions::new().set(ServiceName::OfferCatalog, "FEED__CALLS_PER_MINUTE", FEED_CALLS_PER_MINUTE).set(
        ServiceName::OfferCatalog,
        "FEED__BURST",
        FEED_CALLS_PER_MINUTE,
    )
}
